"""The explorer's server: the views of the workbench over HTTP, on this machine."""

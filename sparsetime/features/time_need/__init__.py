"""Which features need time: what changes of their activation when steps change places."""

"""Public names of `st.matching`, each imported when it is first used."""

from .clusters import atom_clusters as atom_clusters
from .clusters import cluster_points as cluster_points
from .flow import FeatureFlow as FeatureFlow
from .flow import feature_flow as feature_flow
from .geometry import svcca as svcca
from .irreducible import Irreducibility as Irreducibility
from .irreducible import irreducibility as irreducibility
from .match import match as match
from .matches import FeatureMatches as FeatureMatches

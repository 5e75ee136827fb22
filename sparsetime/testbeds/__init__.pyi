"""Public names of `st.testbeds`, each imported when it is first used."""

from .atom_recovery import Recovery as Recovery
from .atom_recovery import recovery as recovery
from .base import Testbed as Testbed
from .prose.build import ProseSettings as ProseSettings
from .prose.minilm import minilm as minilm
from .python_code.build import PythonCodeSettings as PythonCodeSettings
from .python_code.pretrained import code_model as code_model
from .python_code.pretrained import steps_of as steps_of
from .series.build import SeriesSettings as SeriesSettings
from .series.pretrained import series_model as series_model
from .synthetic.generate import SyntheticData as SyntheticData
from .synthetic.generate import synthetic_data as synthetic_data
from .synthetic.settings import SyntheticSettings as SyntheticSettings
from .synthsaebench.rows import SynthSAEBenchRows as SynthSAEBenchRows
from .synthsaebench.scores import SynthSAEBenchScores as SynthSAEBenchScores
from .synthsaebench.scores import synthsaebench_scores as synthsaebench_scores
from .synthsaebench.settings import SynthSAEBenchSettings as SynthSAEBenchSettings
from .synthsaebench.world import SynthSAEBench as SynthSAEBench
from .tempbench.beds import BEDS as BEDS
from .tempbench.beds import tempbench as tempbench
from .tempbench.beds import tempbench_score as tempbench_score
from .tempbench.coloured_sources import direction_score as direction_score
from .tempbench.data import TempBenchData as TempBenchData
from .tempbench.readout import TempBenchScore as TempBenchScore

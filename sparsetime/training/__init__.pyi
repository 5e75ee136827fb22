"""Public names of `st.training`, each imported when it is first used."""

from .config import TrainConfig as TrainConfig
from .dictionary_trainable import DictionaryTrainable as DictionaryTrainable
from .job import Job as Job
from .loggers.tensorboard import TensorBoardLogger as TensorBoardLogger
from .loggers.training_logger import TrainingLogger as TrainingLogger
from .loggers.wandb import WandbLogger as WandbLogger
from .loop import run_jobs as run_jobs
from .module_trainable import ModuleTrainable as ModuleTrainable
from .plan import RunPlan as RunPlan
from .run_folder import Run as Run
from .run_folder import RunFolder as RunFolder
from .run_folder import read_metrics as read_metrics
from .snapshots import Snapshot as Snapshot
from .snapshots import read_snapshots as read_snapshots
from .trainable import Trainable as Trainable

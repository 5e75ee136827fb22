"""Public names of `st.interop`, each imported when it is first used."""

from .foreign_format import ForeignFormat as ForeignFormat
from .hook_names import site_of_hook as site_of_hook
from .lm_eval import write_lm_eval_steering as write_lm_eval_steering
from .load import known_formats as known_formats
from .neuronpedia import add_neuronpedia_explanations as add_neuronpedia_explanations
from .neuronpedia_export import write_neuronpedia_export as write_neuronpedia_export
from .peft import write_peft_adapter as write_peft_adapter
from .plain_weights import PlainWeights as PlainWeights
from .run_of_dictionary import run_of_dictionary as run_of_dictionary
from .saebench import saebench_module as saebench_module

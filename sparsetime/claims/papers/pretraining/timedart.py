"""TimeDART: fine-tuned forecasts after denoising along time, against scratch and either half."""

from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.sequence_training import train_sequence_model
from sparsetime.claims.lab.short_pretraining import pretrain_briefly
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.series.street_windows import street_windows

D, PATCH, STEPS, BATCH, RATE = 32, 12, 300, 64, 2e-3
TUNING_STEPS, TUNING_RATE, LABELLED = 100, 1e-3, 300
PAST, FUTURE, WINDOWS = 168, 24, 1500
ARMS = {
    "both": {"is_noisy": True, "reads_earlier": True},
    "prediction alone": {"is_noisy": False, "reads_earlier": True},
    "denoising alone": {"is_noisy": True, "reads_earlier": False},
}
FROZEN = 1e-12  # a learning rate by which no weight moves

Pair = tuple[Tensor, Tensor]


@claim(
    "timedart",
    system=245,
    says="A causal patch transformer that denoised patches from earlier ones forecasts the next "
    "day with a lower error, after fine-tuning, than one from scratch, and than one that "
    "predicted or denoised alone.",
    data="hourly counts of pedestrians, one sensor a window, held-out years (a stand-in for ETT)",
    expects=[
        Less("forecast error, both", than="forecast error, scratch"),
        Less("forecast error, both", than="forecast error, prediction alone"),
        Less("forecast error, both", than="forecast error, denoising alone"),
    ],
    seconds=60,
    rule="Fine-tuned forecasts after this pretraining beat training from scratch and beat either "
    "objective alone on an ETT-size dataset.",
    notes="Pretraining reads 1,500 windows of a week, fine-tuning 300 of them. A network in place "
    "of the paper's denoising transformer.",
    null=lambda lab, seed: _values(seed, rate=FROZEN),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All arms begin with the same weights and are tuned on the same batches."""
    return _values(seed)


def _values(seed: int, rate: float = RATE) -> dict[str, float]:
    """rate: of the pretraining; the null's moves nothing."""
    train, test = (
        street_windows(PAST + FUTURE, WINDOWS, seed, held_out) for held_out in (False, True)
    )
    values = {}
    for name in ("scratch", *ARMS):
        objective = pretraining_objective("timedart", patch=PATCH, **ARMS.get(name, {}))
        head = {"kind": "forecast", "steps": FUTURE}
        model = objective.encoder(d_in=1, d=D, seed=seed, heads=head)
        if name != "scratch":
            settings = {"steps": STEPS, "batch": BATCH, "learning_rate": rate, "seed": seed}
            pretrain_briefly(model, train[:, :PAST], objective, **settings)
        train_sequence_model(
            model.train(),
            _batches(train[:LABELLED], seed),
            _loss,
            steps=TUNING_STEPS,
            learning_rate=TUNING_RATE,
        )
        values[f"forecast error, {name}"] = float(_loss(model, _parts(test)).detach())
    return values


def _parts(windows: Tensor) -> Pair:
    return windows[:, :PAST], windows[:, PAST:, 0]


def _batches(windows: Tensor, seed: int) -> list[Pair]:
    random = seeds.numpy_generator(seed, "random choice")
    return [_parts(windows[random.integers(len(windows), size=BATCH)]) for _ in range(TUNING_STEPS)]


def _loss(model: SequenceModel, batch: Pair) -> Tensor:
    forecast = model(batch[0])
    assert isinstance(forecast, Tensor)
    return nn.functional.mse_loss(forecast[:, -1], batch[1])

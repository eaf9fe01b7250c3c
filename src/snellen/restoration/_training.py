"""One training run: started, or continued where it was cut off."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from snellen.errors import TrainingError
from snellen.records import replace_file, versions
from snellen.restoration._patches import NumberedSamples, Patches
from snellen.restoration._plan import PRECISIONS, TrainingPlan
from snellen.restoration._restorer import save_restorer

if TYPE_CHECKING:
    from snellen.restoration._lightning_module import RestorationModule

NETWORK_FILE = "network.safetensors"


def train(
    plan: TrainingPlan,
    output: str | Path,
    *,
    resume: bool = False,
    device: str = "cpu",
    progress: Callable[[int], None] = lambda step: None,
) -> Path:
    """Train a restoration network.

    Parameters
    ----------
    plan
        The run; see `load_plan`.
    output
        Folder of the run: ``network.safetensors``, ``log.csv``, ``manifest.json``,
        ``checkpoints/``, ``images/`` and what TensorBoard reads.
    resume
        Go on with the run that is there, if there is one. It ends with the very weights of a run
        that was never cut off (on one machine, in the same precision).
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    progress
        Called with the number of steps after each of them.

    Returns
    -------
    pathlib.Path
        The file of the network.

    Raises
    ------
    TrainingError
        A library is missing, images are, the folder holds another run, or the loss became
        infinite.
    """
    _require_lightning()
    output = Path(output)
    target, last = output / NETWORK_FILE, output / "checkpoints" / "last.ckpt"
    _claim(plan, output, resume)
    if target.exists():
        progress(plan.steps)
        return target
    module = _fit(plan, output, last if last.exists() else None, device, progress)
    manifest = {
        "plan": plan.manifest(),
        "fingerprint": plan.fingerprint(),
        "versions": versions("snellen", "torch"),
    }
    save_restorer(
        target,
        module.best,
        name=plan.network.name,
        options=plan.network.options,
        scale=plan.scale,
        manifest=manifest,
    )
    return target


def _claim(plan: TrainingPlan, output: Path, resume: bool) -> None:
    """Refuse a folder that holds a run, unless it is this one and is to go on."""
    path = output / "manifest.json"
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8")).get("fingerprint")
        except (ValueError, AttributeError):
            found = None
        if found != plan.fingerprint():
            raise TrainingError(
                f"{output} holds a run of another plan; choose another folder, or go back to the "
                "plan in its manifest.json."
            )
        if not resume:
            raise TrainingError(f"{output} holds this run already: go on with it (--resume).")
    document = {
        "fingerprint": plan.fingerprint(),
        "plan": plan.manifest(),
        "versions": versions("snellen", "torch"),
    }
    output.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(document, indent=2) + "\n")


def _fit(
    plan: TrainingPlan,
    output: Path,
    checkpoint: Path | None,
    device: str,
    progress: Callable[[int], None],
) -> "RestorationModule":
    import lightning.pytorch as lightning
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import TensorBoardLogger

    from snellen.restoration._lightning_module import RestorationModule

    loader = _loader(plan)
    for source in plan.test.values():
        source.find()  # rather now than after hours
    with _quiet():
        module = RestorationModule(plan, output, progress)
        keep = ModelCheckpoint(
            output / "checkpoints",
            filename="last",
            save_top_k=1,
            every_n_epochs=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        kind, devices = _accelerator(device)
        trainer = lightning.Trainer(
            accelerator=kind,
            devices=devices,
            precision=PRECISIONS[plan.precision],
            # Counted in stretches: limited by steps, Lightning takes every resumption for one
            # in mid-epoch, and goes on with the wrong patches.
            max_epochs=plan.steps // plan.checkpoint_every,
            gradient_clip_val=plan.optimiser.clip,
            logger=TensorBoardLogger(output, name="tensorboard", version=""),
            callbacks=[keep],
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader, ckpt_path=checkpoint, weights_only=True)
    if trainer.interrupted or trainer.global_step < plan.steps:
        raise KeyboardInterrupt
    return module


def _loader(plan: TrainingPlan) -> "DataLoader[Any]":
    patches = Patches(
        plan.train.find(),
        plan.train.degradation,
        patch=plan.patch,
        scale=plan.scale,
        seed=plan.seed,
    )
    return DataLoader(
        patches,
        batch_size=plan.batch,
        sampler=NumberedSamples(plan.batch * plan.checkpoint_every),
        num_workers=plan.workers,
        persistent_workers=plan.workers > 0,
    )


def _accelerator(device: str) -> tuple[str, Any]:
    kind, _, number = device.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise TrainingError(f"device {device}: there is no CUDA device here.")
    if kind not in ("cpu", "cuda", "mps"):
        raise TrainingError(f"device must be cpu, cuda, cuda:1 or mps; got {device!r}.")
    return kind, [int(number)] if number else 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what Lightning says about the machine and about workers."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.|torch\.")
            yield
    finally:
        logger.setLevel(level)


def _require_lightning() -> None:
    try:
        import lightning.pytorch  # noqa: F401
        import tensorboard  # noqa: F401
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs the package {error.name}: install snellen[train]."
        ) from error

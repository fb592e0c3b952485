"""What a deployment may set, from environment variables with the prefix ``PHAROS_`` or a ``.env`` file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from engine.errors import SettingsInvalid

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"


def _listed(value: object) -> object:
    return tuple(part for part in map(str.strip, value.split(",")) if part) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Names, in the environment separated by commas."""


class Settings(BaseSettings):
    """Deployment settings.

    Attributes:
        data_dir: Collections, cubes, downloaded weights and uploads live below it.
        model: Id of the default encoder, a key of ``assets/models/registry.yaml``.
        demo: Whether the first start makes the island and the fog cube.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads for reading windows and for torch; 0 means one a core.
        hub: Base address from which public weights are fetched.
        max_picture_pixels: Largest picture that is decoded whole (untiled files, uploads).
        max_query_length: Characters of a query that are accepted.
        hosts: Names, beside loopback and the bound address, under which browsers reach the server; ``*`` is any name.
        allowed_hosts: Hosts from which imagery may be read over HTTP(S); empty allows any public host.
        allow_private_hosts: Whether loopback and private addresses may be read from.
        dataset_dirs: Folders in and below which the Evaluate page may look for data; empty allows any. Set it where others than
            the owner of the machine reach the server.
    """

    model_config = SettingsConfigDict(env_prefix="PHAROS_", env_file=".env", extra="ignore")

    data_dir: Path = ROOT / "data"
    model: str = "pharos-small"
    demo: bool = True
    device: str = "auto"
    threads: int = Field(default=0, ge=0)
    hub: str = "https://huggingface.co"
    max_picture_pixels: int = Field(default=100_000_000, gt=0)
    max_query_length: int = Field(default=500, gt=0)
    hosts: Names = ()
    allowed_hosts: Names = ()
    allow_private_hosts: bool = False
    dataset_dirs: Names = ()

    @property
    def collections_dir(self) -> Path:
        """Folder of collections, one folder each."""
        return self.data_dir / "collections"

    @property
    def cubes_dir(self) -> Path:
        """Folder of fog cubes, one ``.zarr`` store each."""
        return self.data_dir / "cubes"

    @property
    def models_dir(self) -> Path:
        """Folder of downloaded and added weights."""
        return self.data_dir / "models"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Settings of this process, read once; tests clear the cache after they change the environment.

    Raises:
        SettingsInvalid: If a value is of the wrong kind.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "PHAROS_" + "_".join(map(str, first["loc"][:1])).upper()
        raise SettingsInvalid(f"{name} is “{str(first['input'])[:60]}”: {first['msg'].lower()}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f".env is not readable ({type(error).__name__}).") from None

"""Container files: what a Dockerfile or a compose file ships, runs or gives away that it need not."""

from modelward.dependencies.containers._read import ContainerRead, read_containers

__all__ = ["ContainerRead", "read_containers"]

"""What scripts and crowd servers import and read, once, for all processes that are forked from here: see forks.py."""

from __future__ import annotations

import gc
import importlib
import pkgutil

import boto3
import botocore.loaders
import botocore.session

import crowdops
import crowdserver

LOADER = botocore.loaders.create_loader()


def share_loader() -> None:
    """Let all clients of this process share what botocore has read from its own files."""
    botocore.session.create_loader = lambda *search_path: LOADER


def preload() -> None:
    """Import every module of the suite and of the crowd server, and read the API's description."""
    for package in (crowdops, crowdserver):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
    share_loader()
    session = boto3.Session("nobody", "nothing", region_name="us-east-1")
    session.client("mturk", endpoint_url="http://127.0.0.1:1").close()
    gc.collect()
    gc.freeze()

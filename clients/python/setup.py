"""Generates the stubs of specd into the package, from the files of the API in this repository."""

import importlib.resources
import pathlib
import re

import grpc_tools
from grpc_tools import protoc
from setuptools import setup
from setuptools.command.build_py import build_py

REASONS = '''"""The reasons of specd's errors, generated from specd/v1/errors.proto."""

import enum


class ErrorReason(str, enum.Enum):
    """Why a call failed. The constants equal the texts in google.rpc.ErrorInfo."""

'''
PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


class BuildWithStubs(build_py):
    def run(self):
        super().run()
        files = sorted(str(file) for file in PROTO.glob("specd/v1/*.proto"))
        outputs = [f"--{kind}_out={self.build_lib}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
        google = importlib.resources.files(grpc_tools) / "_proto"
        if protoc.main(["protoc", f"-I{PROTO}", f"-I{google}", *outputs, *files]) != 0:
            raise SystemExit("protoc failed")
        package = pathlib.Path(self.build_lib, "specd")
        package.joinpath("v1", "__init__.py").touch()
        names = re.findall(r"^  ERROR_REASON_(\w+) = [1-9]", PROTO.joinpath("specd/v1/errors.proto").read_text(), re.M)
        constants = "".join(f'    {name} = "{name}"\n' for name in names)
        package.joinpath("reasons.py").write_text(REASONS + constants)


setup(cmdclass={"build_py": BuildWithStubs})

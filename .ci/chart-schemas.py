"""Checks rendered manifests against the schemas of Kubernetes, strictly.

Takes directories, each named by a version and full of manifests. What has no schema is allowed only if it is of a group that
Kubernetes does not have.
"""

import os
import sys

import kubernetes_validate
import yaml

ELSEWHERE = ("monitoring.coreos.com/", "cert-manager.io/")


def main(directories):
    bad = documents = 0
    for directory in directories:
        version = os.path.basename(directory)
        for name in sorted(os.listdir(directory)):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                for document in filter(None, yaml.safe_load_all(file)):
                    if document["apiVersion"].startswith(ELSEWHERE):
                        continue
                    documents += 1
                    try:
                        used = kubernetes_validate.validate(document, version, strict=True)
                        problem = None if used == version else f"only the schemas of {used} are there"
                    except kubernetes_validate.ValidationError as error:
                        problem = f"{'.'.join(map(str, error.path))}: {error.message}"
                    except kubernetes_validate.SchemaNotFoundError as error:
                        problem = error.message
                    if problem:
                        bad += 1
                        print(f"{name}, Kubernetes {version}, {document['kind']}: {problem}", file=sys.stderr)
    if not documents:
        print("nothing to check", file=sys.stderr)
    return 1 if bad or not documents else 0


sys.exit(main(sys.argv[1:]))

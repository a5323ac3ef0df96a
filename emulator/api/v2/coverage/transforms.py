"""Transforms: conversions of file formats."""

from __future__ import annotations

from emulator.api.v2.coverage.operation import AGAVEPY, NOT_IMPLEMENTED, Difference, Operation

NO_TRANSFORMS = Difference("Transforms are not provided.", "The service has long withdrawn them.")

OPERATIONS = (
    Operation(
        "transforms.list",
        "GET",
        "/transforms/v2",
        "List transforms",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_TRANSFORMS,),
    ),
    Operation(
        "transforms.get",
        "GET",
        "/transforms/v2/{transformId}",
        "Show a transform",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_TRANSFORMS,),
    ),
    Operation(
        "transforms.listByTag",
        "GET",
        "/transforms/v2/tags/{tag}",
        "List the transforms that carry a tag",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_TRANSFORMS,),
    ),
    Operation(
        "transforms.transformAndDownload",
        "POST",
        "/transforms/v2/{transformId}/sync/{owner}/{filePath}",
        "Transform a file and download the result",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_TRANSFORMS,),
    ),
    Operation(
        "transforms.transformAndStage",
        "POST",
        "/transforms/v2/{transformId}/async/{owner}/{filePath}",
        "Transform a file and keep the result",
        NOT_IMPLEMENTED,
        clients=(AGAVEPY,),
        differences=(NO_TRANSFORMS,),
    ),
)

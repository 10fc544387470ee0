"""CycloneDX 1.6: a model with what it is, what it was made from, what was measured of it, and all that comes along.

The document is made by cyclonedx-python-lib and held to its validator. That library has no model card yet, so this part
of the document is put in beside it, before it is validated.

Source: OWASP, CycloneDX 1.6 (ECMA-424), machine-learning transparency.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward._version import __version__
from modelward.dependencies._card import model_card, plain_text
from modelward.dependencies._extra import need

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping

    from modelward.dependencies._audit import Vulnerability
    from modelward.dependencies._packages import Inventory, Package
    from modelward.schema import FeatureSchema

_NAMESPACE = uuid.UUID("6d6f6465-6c77-8172-a400-637963646e78")


@dataclass(frozen=True)
class ModelFacts:
    """What a model file is.

    Parameters
    ----------
    name, sha256 : str
        Its file name, and the hash of its bytes.
    content : str
        The fingerprint of the model in it; empty if it has none.
    format, verdict : str
        As `scan` says.
    kind, library, library_version : str
        Of the model; empty where the file does not say.
    columns : tuple of str
        That it takes.
    classes : tuple of str
        That it answers.
    """

    name: str
    sha256: str
    content: str = ""
    format: str = ""
    verdict: str = ""
    kind: str = ""
    library: str = ""
    library_version: str = ""
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataFacts:
    """What a table is: never its rows."""

    name: str
    sha256: str
    rows: int | None = None
    columns: int | None = None
    role: str = "data"


@dataclass(frozen=True)
class Subject:
    """What a document is about beside the packages: the model and what goes with it.

    `schema_sha256` is that of the schema's file, `report` the JSON of an assessment.
    """

    project: str
    model: ModelFacts | None = None
    data: tuple[DataFacts, ...] = ()
    schema: FeatureSchema | None = None
    schema_sha256: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)


def render_sbom(
    inventory: Inventory,
    subject: Subject,
    *,
    holes: Iterable[Vulnerability] = (),
    advisories: str = "",
    complete: bool,
    made: datetime.datetime,
) -> str:
    """Return a CycloneDX 1.6 document as JSON, valid by the validator of cyclonedx-python-lib.

    Parameters
    ----------
    inventory : Inventory
    subject : Subject
    holes : iterable of Vulnerability
    advisories : str
        The database that `holes` come from, with its date; empty if there is none.
    complete : bool
        Whether all packages are known.
    made : datetime
        When the document is made.

    Raises
    ------
    MissingExtraError
        If cyclonedx-python-lib is not installed.
    """
    bom, root = _document(inventory, subject, tuple(holes), made)
    text = need("cyclonedx.output.json", "cyclonedx-python-lib").JsonV1Dot6(bom).output_as_string()
    document: dict[str, Any] = json.loads(text)
    if subject.model is not None:
        names = [f"data:{i}" for i in range(len(subject.data))]
        card = model_card(
            subject.model.kind,
            subject.model.columns,
            subject.model.classes,
            subject.schema,
            names,
            subject.report,
        )
        document["metadata"]["component"]["modelCard"] = card
    document["compositions"] = [
        {"aggregate": "complete" if complete else "incomplete", "dependencies": [root]}
    ]
    document["metadata"].setdefault("properties", []).append(
        {"name": "modelward:advisories", "value": advisories or "none"}
    )
    del document["serialNumber"]  # it is a random one
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))}"
    text = json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    validate(text)
    return text


def validate(text: str) -> None:
    """Hold a document to the schema of CycloneDX 1.6.

    Raises
    ------
    MissingExtraError
        If the validator is not installed.
    ValueError
        If it is not valid.
    """
    json_validation = need("cyclonedx.validation.json", "cyclonedx-python-lib[json-validation]")
    need("jsonschema", "cyclonedx-python-lib[json-validation]")
    version = need("cyclonedx.schema", "cyclonedx-python-lib").SchemaVersion.V1_6
    wrong = json_validation.JsonStrictValidator(version).validate_str(text)
    if wrong is not None:
        raise ValueError(f"the document is not valid CycloneDX 1.6: {str(wrong)[:500]}")


def _document(
    inventory: Inventory, subject: Subject, holes: tuple[Vulnerability, ...], made: datetime.datetime
) -> tuple[Any, str]:
    bom_module = need("cyclonedx.model.bom", "cyclonedx-python-lib")
    component_module = need("cyclonedx.model.component", "cyclonedx-python-lib")
    kinds = component_module.ComponentType
    root = _root(subject, component_module)
    bom = bom_module.Bom(version=1)
    bom.metadata.component = root
    bom.metadata.timestamp = made
    bom.metadata.tools.components.add(
        component_module.Component(
            type=kinds.APPLICATION, name="modelward", version=__version__, bom_ref="tool:modelward"
        )
    )
    data = [_data(one, i, component_module) for i, one in enumerate(subject.data)]
    for one in data:
        bom.components.add(one)
    made_of = _packages(inventory, component_module)
    for one, _ in made_of.values():
        bom.components.add(one)
    _edges(bom, root, data, made_of)
    for hole in holes:
        bom.vulnerabilities.add(_hole(hole, made_of))
    return bom, root.bom_ref.value


def _properties(**values: object) -> list[Any]:
    prop = need("cyclonedx.model", "cyclonedx-python-lib").Property
    return [
        prop(name=f"modelward:{name.replace('_', '-')}", value=plain_text(str(v)))
        for name, v in values.items()
        if v not in ("", None)
    ]


def _hashes(sha256: str) -> list[Any]:
    model = need("cyclonedx.model", "cyclonedx-python-lib")
    return [model.HashType(alg=model.HashAlgorithm.SHA_256, content=sha256)] if sha256 else []


def _root(subject: Subject, component_module: Any) -> Any:
    model = subject.model
    if model is None:
        return component_module.Component(
            type=component_module.ComponentType.APPLICATION,
            name=plain_text(subject.project),
            bom_ref="project",
        )
    return component_module.Component(
        type=component_module.ComponentType.MACHINE_LEARNING_MODEL,
        name=plain_text(model.name),
        bom_ref="model",
        version=f"sha256:{model.sha256[:12]}",
        hashes=_hashes(model.sha256),
        properties=_properties(
            project=subject.project,
            format=model.format,
            scan_verdict=model.verdict,
            content_fingerprint=model.content,
            model_class=model.kind,
            library=model.library,
            library_version=model.library_version,
            schema_sha256=subject.schema_sha256,
        ),
    )


def _data(one: DataFacts, number: int, component_module: Any) -> Any:
    return component_module.Component(
        type=component_module.ComponentType.DATA,
        name=plain_text(one.name),
        bom_ref=f"data:{number}",
        hashes=_hashes(one.sha256),
        version=f"sha256:{one.sha256[:12]}" if one.sha256 else None,
        properties=_properties(role=one.role, rows=one.rows, columns=one.columns),
    )


def _packages(inventory: Inventory, component_module: Any) -> dict[tuple[str, str], tuple[Any, set[str]]]:
    """Return a component and its needs for each package and version."""
    grouped: dict[tuple[str, str], list[Package]] = {}
    for package in (*inventory.packages, *inventory.unresolved):
        grouped.setdefault((package.name, package.version), []).append(package)
    return {
        key: (_package(group, component_module), {name for p in group for name in p.needs})
        for key, group in grouped.items()
    }


def _package(group: list[Package], component_module: Any) -> Any:
    first = group[0]
    scopes = component_module.ComponentScope
    scope = scopes.REQUIRED
    if all(p.dev for p in group):
        scope = scopes.EXCLUDED
    elif all(p.dev or p.group for p in group):
        scope = scopes.OPTIONAL
    purl = None
    if first.kind != "path":
        purl = need("packageurl", "packageurl-python").PackageURL(
            type="pypi", name=plain_text(first.name), version=plain_text(first.version) or None
        )
    places = ", ".join(dict.fromkeys(p.place for p in group))
    return component_module.Component(
        type=component_module.ComponentType.LIBRARY,
        name=plain_text(first.name),
        version=plain_text(first.version) or None,
        purl=purl,
        bom_ref=f"pkg:{first.name}@{first.version}",
        scope=scope,
        properties=_properties(
            places=places[:2_000], asked=first.asked, source=first.url, marker=first.marker
        ),
    )


def _edges(
    bom: Any, root: Any, data: list[Any], made_of: dict[tuple[str, str], tuple[Any, set[str]]]
) -> None:
    by_name: dict[str, list[Any]] = {}
    for (name, _), (one, _) in made_of.items():
        by_name.setdefault(name, []).append(one)
    dragged: set[str] = set()
    for (name, _), (one, needs) in made_of.items():
        inner = [other for needed in sorted(needs) if needed != name for other in by_name.get(needed, ())]
        dragged |= {other.name for other in inner}
        bom.register_dependency(one, inner)
    top = [one for one, _ in made_of.values() if one.name not in dragged]
    bom.register_dependency(root, [*data, *top])


def _hole(hole: Vulnerability, made_of: dict[tuple[str, str], tuple[Any, set[str]]]) -> Any:
    module = need("cyclonedx.model.vulnerability", "cyclonedx-python-lib")
    one, _ = made_of[hole.package.name, hole.package.version]
    upgrade = f"Upgrade to {hole.upgrade}" if hole.upgrade else None
    osv = module.VulnerabilitySource(
        name="OSV", url=need("cyclonedx.model", "cyclonedx-python-lib").XsUri("https://osv.dev")
    )
    references = [module.VulnerabilityReference(id=name, source=osv) for name in hole.ids[1:]]
    return module.Vulnerability(
        bom_ref=f"hole:{hole.ids[0]}:{hole.package.name}@{hole.package.version}",
        id=hole.ids[0],
        source=osv,
        references=references,
        description=plain_text(hole.summary) or None,
        recommendation=upgrade,
        affects=[module.BomTarget(ref=one.bom_ref.value)],
    )

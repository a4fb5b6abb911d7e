"""Images from a Dockerfile or a devcontainer.json that the user names."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from driver import World, make_repository, refused

from sandboxes.dockerfile import read_recipe
from sandboxes.interface import ImageError

FILES = {
    "rates.py": b"import os\n\n\ndef convert(amount):\n    return amount + int(os.environ['RATE'])\n",
    "test_rates.py": b"from rates import convert\n\n\ndef test_convert():\n    assert convert(10) == 20\n",
}


@pytest.mark.docker
@pytest.mark.fetch
def test_a_dockerfile_makes_the_environment(world: World, tmp_path: Path, environment_image: str) -> None:
    dockerfile = (
        f"FROM {environment_image}\nARG RATE=3\nCOPY rates.py /copied/\n"
        f"RUN test -f /copied/rates.py && echo {uuid.uuid4()}\nENV RATE=$RATE\n"
    )
    devcontainer = """\
// a comment, "quoted"
{
  "name": "https://example.org/not-a-comment",
  "build": {"dockerfile": "Dockerfile", "context": "..", "args": {"RATE": "2",},},
  "features": {"x": {}}, /* another */
}
"""
    files = {
        **FILES,
        ".devcontainer/Dockerfile": dockerfile.encode(),
        ".devcontainer/devcontainer.json": devcontainer.encode(),
    }
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository, "--dockerfile", str(repository / ".devcontainer/devcontainer.json"))
    assert ran.code == 0, ran.output
    assert "+    return amount * int(os.environ['RATE'])" in ran.report["diff"]
    assert ran.events("result")[1]["observation"]["image"].startswith("marginal-agent/dockerfile:")


@pytest.mark.docker
def test_a_dockerfile_that_fails_ends_with_its_tail(world: World, tmp_path: Path, base_image: str) -> None:
    repository = make_repository(
        tmp_path / "r", {**FILES, "D": f"FROM {base_image}\nRUN echo reason && false\n".encode()}
    )
    ran = world.fix(repository, "--dockerfile", str(repository / "D"))
    assert ran.code == 20
    assert "the image could not be built" in ran.output and "reason" in ran.output
    refused(
        world.fix(repository, "--dockerfile", "x", "--image", "y"), "image and dockerfile: name one, not both"
    )


@pytest.mark.docker
def test_a_dockerfile_that_is_none_is_the_users_to_mend(world: World, calc: Path, tmp_path: Path) -> None:
    dockerfile = tmp_path / "D"
    dockerfile.write_text("MAKE me an image\n")
    for command in (["env", "build"], ["fix"]):
        refused(
            world.agent(*command, str(calc), "--dockerfile", str(dockerfile)),
            f"{dockerfile}: the image could not be built: dockerfile parse error",
            "unknown instruction: MAKE",
        )
    dockerfile.write_text("")
    refused(world.fix(calc, "--dockerfile", str(dockerfile)), "the Dockerfile (D) cannot be empty")
    devcontainer = tmp_path / "devcontainer.json"
    devcontainer.write_text("[")
    refused(world.fix(calc, "--dockerfile", str(devcontainer)), "devcontainer.json is not readable JSON")


@pytest.mark.docker
def test_an_image_without_pytest_is_said_before_anything_runs(
    world: World, calc: Path, base_image: str
) -> None:
    ran = world.fix(calc, "--image", base_image)
    refused(ran, f"the image of {base_image} has no pytest for its /", "add it to the image")
    assert ran.steps() == ["read intake", "read environment"]
    built = world.agent("env", "build", str(calc), "--image", base_image)
    assert built.code == 0 and "and no pytest of the image" in built.output, built.output
    other = world.fix(calc, "--image", base_image, "--runner", "unittest")
    assert "has no pytest" not in other.errors


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not readable JSON"),
        ("[]", "holds no object"),
        (json.dumps({"dockerComposeFile": "c.yml"}), "compose files are not supported"),
        (json.dumps({"build": {"dockerfile": "../../outside"}}), "Dockerfile lies outside"),
        (json.dumps({"build": {"dockerfile": "D", "context": "../.."}}), "context lies outside"),
        (json.dumps({"build": {"dockerfile": "a\0b"}}), "Dockerfile is no path"),
        (json.dumps({"build": {"dockerfile": ".."}}), "is not a file"),
        ("[" * 100_000, "not readable JSON"),
    ],
)
def test_devcontainers_that_cannot_be_followed(tmp_path: Path, content: str, said: str) -> None:
    folder = tmp_path / "repository" / ".devcontainer"
    folder.mkdir(parents=True)
    (folder / "D").write_text("FROM scratch\n")
    (tmp_path / "outside").write_text("FROM scratch\n")
    (folder / "devcontainer.json").write_text(content)
    with pytest.raises(ImageError, match=said):
        read_recipe(folder / "devcontainer.json", tmp_path / "repository")


def test_a_devcontainer_may_name_an_image(tmp_path: Path) -> None:
    file = tmp_path / "devcontainer.json"
    file.write_text('{"image": "python:3.12", "postCreateCommand": "make"}')
    recipe = read_recipe(file, tmp_path)
    assert recipe.image == "python:3.12"
    file.write_text('{"image": "python:3.12", "name": "say \\"see http://x\\"", }')
    assert read_recipe(file, tmp_path).image == "python:3.12"
    assert recipe.notes == ("devcontainer.json: postCreateCommand is not applied",)

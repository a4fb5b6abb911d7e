"""Signatures by ssh-keygen: what counts, what does not, and who may say which keys count."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kinds_of_traces import RESUMED
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.events import RunEnded, RunResumed
from agent.redact import Redactor
from agent.trace import EVENTS, Trace, TraceWriter
from agent.traces.checking import ANEW, SIGNED, check
from agent.traces.signing import MOST_SIGNATURES, NAMESPACE, statement
from policies.vocabulary import Outcome

ALICE = "alice@example.org"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


@pytest.fixture
def signers(tmp_path: Path, key: Path) -> Path:
    """Allows Alice's key, for traces alone."""
    return allow(tmp_path / "signers", key, f'{ALICE} namespaces="{NAMESPACE}"')


@pytest.fixture(autouse=True)
def nobody_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No agent of the developer's, and a folder that is no repository."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.chdir(tmp_path)


def make_key(path: Path, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", path], check=True)
    return path


def allow(path: Path, key: Path, who: str) -> Path:
    public = key.with_name(f"{key.name}.pub").read_text().strip()
    path.write_text(f"{who} {public}\n")
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["trace", *map(str, arguments)])


def sign(folder: Path, key: Path, *more: str) -> Result:
    return run("sign", folder, "--key", key, "--principal", ALICE, *more)


def verify(folder: Path, signers: Path, who: str = ALICE) -> Result:
    return run("verify", folder, "--allowed-signers", signers, "--signer", who)


def said(result: Result) -> str:
    return " ".join(result.output.split())


def test_a_signature_holds_for_its_trace_its_signer_and_its_purpose(
    fixed: Path, key: Path, signers: Path, tmp_path: Path
) -> None:
    assert "it has no signature" in said(verify(fixed, signers))
    signed = sign(fixed, key)
    assert signed.exit_code == 0, signed.output
    assert (fixed / "signatures" / f"{ALICE}.sig").is_file()
    found = verify(fixed, signers)
    assert found.exit_code == 0, found.output
    assert f"holds signed by {ALICE}, with a key that the file {signers} lists (" in said(found)
    assert SIGNED in said(found) and ANEW not in said(found)
    assert verify(fixed, signers, "bob@example.org").exit_code == 1
    another = allow(tmp_path / "another", make_key(tmp_path / "other"), ALICE)
    assert verify(fixed, another).exit_code == 1
    expired = allow(tmp_path / "expired", key, f'{ALICE} valid-before="20200101"')
    assert "expired" in said(verify(fixed, expired))
    purpose = allow(tmp_path / "purpose", key, f'{ALICE} namespaces="git"')
    assert verify(fixed, purpose).exit_code == 1


def test_a_signature_that_holds_is_not_replaced_by_another_keys(
    copy_of: Callable[..., Path], key: Path, signers: Path, tmp_path: Path
) -> None:
    folder, other = copy_of(), make_key(tmp_path / "other")
    sign(folder, key)
    path = folder / "signatures" / f"{ALICE}.sig"
    kept = path.read_bytes()
    refused = sign(folder, other)
    assert refused.exit_code == 2
    assert "is a signature of this trace already, by another key (ED25519 key SHA256:" in said(refused)
    assert "give another --principal, or move that file away" in said(refused)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == kept and verify(folder, signers).exit_code == 0
    assert sign(folder, key).exit_code == 0, "the same key may sign again"
    assert run("sign", folder, "--key", other, "--principal", "bob").exit_code == 0
    writer = TraceWriter(folder, Redactor({}), resume=True)
    writer.append(RunResumed(time=1.0))
    writer.append(RunEnded(outcome=Outcome.FIXED, exit_code=0, explanation="again"))
    writer.close()
    assert sign(folder, other).exit_code == 0, "that of an earlier end is replaced"


def test_other_files_do_not_hide_the_signature_of_the_one_who_is_named(
    fixed: Path, key: Path, signers: Path
) -> None:
    sign(fixed, key)
    for number in range(MOST_SIGNATURES):
        (fixed / "signatures" / f"A{number}.sig").write_bytes(b"junk")
    assert verify(fixed, signers).exit_code == 0


def test_a_signature_for_another_purpose_is_none(fixed: Path, key: Path, tmp_path: Path) -> None:
    message = tmp_path / "statement"
    message.write_bytes(statement(check(fixed)))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", key, message], check=True)
    (fixed / "signatures").mkdir()
    message.with_suffix(".sig").rename(fixed / "signatures" / "a.sig")
    assert verify(fixed, allow(tmp_path / "any", key, ALICE)).exit_code == 1


def test_a_trace_written_anew_and_one_that_went_on_are_found(
    copy_of: Callable[..., Path], key: Path, signers: Path
) -> None:
    folder = copy_of()
    sign(folder, key)
    events = list(Trace(folder).events())
    writer = TraceWriter(folder, Redactor({}), resume=True)
    writer.append(RunResumed(time=1.0))
    writer.append(RunEnded(outcome=Outcome.FIXED, exit_code=0, explanation="again"))
    writer.close()
    assert check(folder).good
    assert verify(folder, signers).exit_code == 1
    (folder / EVENTS).unlink()
    writer = TraceWriter(folder, Redactor({}), resume=True)
    for event in events:
        writer.append(event.model_copy(update={"explanation": "x"}) if isinstance(event, RunEnded) else event)
    writer.close()
    assert check(folder).good
    assert "not signed by" in said(verify(folder, signers))
    assert sign(folder, key).exit_code == 0, "signed anew"
    assert verify(folder, signers).exit_code == 0


def test_a_blob_that_was_taken_away_breaks_the_signature_even_where_no_event_names_it(
    copy_of: Callable[..., Path], key: Path, signers: Path
) -> None:
    folder = copy_of(RESUMED)
    left = folder / "blobs" / hashlib.sha256(b"left").hexdigest()
    left.write_bytes(b"left")
    sign(folder, key)
    assert verify(folder, signers).exit_code == 0
    left.unlink()
    assert check(folder).good
    assert verify(folder, signers).exit_code == 1


def test_who_may_sign_is_not_read_from_the_repository_nor_from_the_trace(
    fixed: Path, key: Path, signers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(fixed, key)
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    for name in ("HEAD", "config"):
        (repository / ".git" / name).write_text("ref: refs/heads/main\n" if name == "HEAD" else "")
    for name in ("objects", "refs"):
        (repository / ".git" / name).mkdir()
    inside = repository / "signers"
    inside.write_text(signers.read_text())
    (repository / "out").symlink_to(signers)
    link = tmp_path / "link"
    link.symlink_to(inside)
    through = tmp_path / "through"
    through.symlink_to(repository / "out")
    monkeypatch.chdir(repository)
    for path in (inside, Path("signers"), repository / "out", link, through, Path("../repository/signers")):
        found = verify(fixed, path)
        assert found.exit_code == 2, path
        assert "inside the repository you are in" in said(found)
    (repository / "sub").mkdir()
    for path in (Path("..") / signers.name, Path("sub/../..") / signers.name):  # it only starts in there
        assert (repository / path).resolve() == signers
        assert verify(fixed, path).exit_code == 0, path
    (repository / "sub").rmdir()
    (repository / "sub").symlink_to(tmp_path / "elsewhere" / "below")
    (tmp_path / "elsewhere" / "below").mkdir(parents=True)
    (tmp_path / "elsewhere" / "signers").write_text(signers.read_text())
    assert verify(fixed, Path("sub/../signers")).exit_code == 2, "the repository's link leads there"
    monkeypatch.chdir(tmp_path)
    (fixed / "signatures" / "signers").write_text(signers.read_text())
    assert "inside the trace" in said(verify(fixed, fixed / "signatures" / "signers"))
    assert "signatures/signers was added: it is no signature" in said(verify(fixed, signers))
    (fixed / "signatures" / "signers").unlink()
    assert verify(fixed, signers).exit_code == 0
    assert "is not a file" in said(verify(fixed, tmp_path / "nothing"))
    assert "is not a file" in said(verify(fixed, tmp_path))


def test_the_recorded_repository_has_no_say_wherever_one_stands(
    fixed: Path, key: Path, signers: Path, tmp_path: Path
) -> None:
    first = next(Trace(fixed).events())
    folder = fixed.parent / "own"
    writer = TraceWriter(folder, Redactor({}))
    settings = first.settings.model_copy(update={"repository": str(tmp_path / "checkout")})  # type: ignore[union-attr]
    writer.append(first.model_copy(update={"settings": settings}))
    writer.append(RunEnded(outcome=Outcome.FIXED, exit_code=0, explanation=""))
    writer.close()
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "signers").write_text(signers.read_text())
    assert sign(folder, key).exit_code == 0
    found = verify(folder, tmp_path / "checkout" / "signers")
    assert found.exit_code == 2
    assert "inside the repository that the run was about" in said(found)
    assert verify(folder, signers).exit_code == 0


def test_what_does_not_hold_is_not_signed(fixed: Path, key: Path) -> None:
    (fixed / "more").write_bytes(b"")
    refused = sign(fixed, key)
    assert refused.exit_code == 1
    assert "not signed, as it does not hold: more was added" in said(refused)
    (fixed / "more").unlink()
    writer = TraceWriter(fixed, Redactor({}), resume=True)
    assert "is being written" in said(sign(fixed, key))
    writer.close()


def test_a_key_that_cannot_sign_is_one_clear_line_and_nothing_hangs(fixed: Path, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "correct horse")
    found = sign(fixed, locked)
    assert found.exit_code == 2
    assert "it has a passphrase; add it to ssh-agent" in said(found)
    (tmp_path / "text").write_text("no key\n")
    (tmp_path / "text").chmod(0o600)
    assert "it is no SSH key" in said(sign(fixed, tmp_path / "text"))
    open_key = make_key(tmp_path / "open")
    open_key.chmod(0o644)
    assert "others may read it" in said(sign(fixed, open_key))
    assert "is not a file" in said(sign(fixed, tmp_path / "none"))
    bad_name = run("sign", fixed, "--key", open_key, "--principal", "../x")
    assert bad_name.exit_code == 2 and "is no name such as" in said(bad_name)
    assert not (fixed / "signatures").exists()


def test_without_ssh_keygen_one_line_says_how_to_get_it(
    fixed: Path, key: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ssh-keygen").write_text("#!/bin/sh\ntouch executed\n")
    (tmp_path / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", ".")
    found = sign(fixed, key)
    assert found.exit_code == 20
    assert "ssh-keygen is not installed" in said(found)
    assert not (tmp_path / "executed").exists(), "one in the folder where we stand is not taken"


def test_a_key_that_ssh_agent_holds_signs_by_its_public_key(
    fixed: Path, key: Path, signers: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if socket.exists():
                break
            subprocess.run(["sleep", "0.01"], check=True)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", key], check=True, env=os.environ)
        key.unlink()
        assert sign(fixed, Path(f"{key}.pub")).exit_code == 0
        assert verify(fixed, signers).exit_code == 0
    finally:
        agent.terminate()
        agent.wait()

"""``alicred get``: the credential in the form that another program reads, and never on a terminal by accident."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from alicred import ConfigurationError, Credential, ExternalProcessProvider, ProfileFileProvider
from alicred.cli import formats
from alicred.cli.variables import shadowing
from tests.cli.programs import ALICRED, Machine

END = datetime(2030, 1, 31, 12, 0, 0, 999999, tzinfo=timezone.utc)
# With every character that is special to a shell, quotation marks included.
AWKWARD = Credential("id-1", "a b'c\"d\\e$f`g!h#i;j|k&l~m*n?o(p)q[r]s{t}u<v>w%x\\", "tok'en\\n", END)
PLAIN = Credential("id-1", secrets.token_hex(15))
TEMPORARY = Credential("id-1", secrets.token_hex(15), f"+/={secrets.token_hex(20)}==", END)
NAMES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
PRINT = f"import json, os; print(json.dumps([os.environ.get(name) for name in {NAMES!r}]))"
SHELLS = {
    "sh": ("sh", "-c"),
    "dash": ("dash", "-c"),
    "bash": ("bash", "-c"),
    "zsh": ("zsh", "-c"),
    "ksh": ("ksh", "-c"),
    "fish": ("fish", "-c"),
    "powershell": ("pwsh", "-NoProfile", "-Command"),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("credential", [AWKWARD, PLAIN], ids=["awkward", "plain"])
def test_a_shell_reads_back_what_was_written_for_it(shell: str, credential: Credential) -> None:
    program, *options = SHELLS[shell]
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    commands = formats.shell(credential, shell if shell in formats.SHELLS else "sh", ["ALICLOUD_SECURITY_TOKEN"])
    stale = {**os.environ, "ALIBABA_CLOUD_SECURITY_TOKEN": "stale", "ALICLOUD_SECURITY_TOKEN": "stale"}
    last = f"& '{sys.executable}' -c '{PRINT}'" if shell == "powershell" else f'{sys.executable} -c "{PRINT}"'
    last = last.replace("'import", '"import').replace("))'", '))"') if shell == "powershell" else last
    script = f"{commands}\n{last}\n"
    done = subprocess.run([program, *options, script], env=stale, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == [credential.access_key_id, credential.access_key_secret, credential.security_token]


def test_a_token_that_is_not_there_is_removed_from_the_shell() -> None:
    assert "unset ALIBABA_CLOUD_SECURITY_TOKEN" in formats.shell(PLAIN, "sh")
    assert "unset" not in formats.shell(TEMPORARY, "sh")


def test_names_that_other_programs_read_first_are_removed_if_they_are_set() -> None:
    environ = dict.fromkeys(("ALICLOUD_ACCESS_KEY", "ALIBABACLOUD_SECURITY_TOKEN", "SECURITY_TOKEN", "OSS_ACCESS_KEY_ID", "PATH"), "x")
    assert set(shadowing(environ, TEMPORARY)) == {"ALICLOUD_ACCESS_KEY", "ALIBABACLOUD_SECURITY_TOKEN"}
    assert set(shadowing(environ, PLAIN)) == {"ALICLOUD_ACCESS_KEY", "ALIBABACLOUD_SECURITY_TOKEN", "SECURITY_TOKEN"}


def test_json_is_the_answer_of_a_credentials_uri_and_says_null_where_there_is_nothing() -> None:
    assert json.loads(formats.json(TEMPORARY)) == {
        "Code": "Success",
        "AccessKeyId": TEMPORARY.access_key_id,
        "AccessKeySecret": TEMPORARY.access_key_secret,
        "SecurityToken": TEMPORARY.security_token,
        "Expiration": "2030-01-31T12:00:00Z",
    }
    assert json.loads(formats.json(PLAIN)) | {"SecurityToken": None, "Expiration": None} == json.loads(formats.json(PLAIN))


@pytest.mark.parametrize("credential", [PLAIN, TEMPORARY, AWKWARD], ids=["plain", "temporary", "awkward"])
def test_external_is_what_a_process_command_prints(credential: Credential) -> None:
    printed = formats.external(credential)
    assert json.loads(printed)["mode"] == ("AK" if credential.security_token is None else "StsToken")
    read = ExternalProcessProvider([sys.executable, "-c", f"print({printed!r})"]).get()
    assert read == Credential(
        credential.access_key_id,
        credential.access_key_secret,
        credential.security_token,
        None if credential.expires_at is None else END.replace(microsecond=0),
    )


@pytest.mark.parametrize("credential", [PLAIN, TEMPORARY], ids=["plain", "temporary"])
def test_ini_is_a_section_of_the_profile_file(credential: Credential, machine: Machine) -> None:
    path = machine.home / "credentials"
    path.touch(mode=0o600)
    path.write_text(formats.ini(credential) + "\n")
    read = ProfileFileProvider(str(path), require_enable=True).get()
    assert (read.access_key_secret, read.security_token) == (credential.access_key_secret, credential.security_token)


def test_docker_takes_every_value_as_it_is() -> None:
    assert formats.docker(AWKWARD).splitlines()[1] == f"ALIBABA_CLOUD_ACCESS_KEY_SECRET={AWKWARD.access_key_secret}"
    assert formats.docker(PLAIN).splitlines()[2] == "ALIBABA_CLOUD_SECURITY_TOKEN="


@pytest.mark.parametrize(
    ("secret", "written"),
    [("ab+/=#$x y", "'ab+/=#$x y'"), ("it's", '"it\'s"')],
)
def test_dotenv_quotes_so_that_all_readers_find_the_same(secret: str, written: str) -> None:
    assert formats.dotenv(Credential("id", secret)).splitlines()[1] == f"ALIBABA_CLOUD_ACCESS_KEY_SECRET={written}"


@pytest.mark.parametrize(
    ("format", "secret"),
    [("dotenv", 'it\'s "so"'), ("dotenv", "it's \\"), ("dotenv", "it's $x")] + [("ini", f"a{c}b") for c in "#;%\"'`"] + [("ini", "a\\")],
)
def test_what_a_format_cannot_hold_is_refused_and_not_shown(format: str, secret: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the format {format} cannot hold .*Use --format json") as caught:
        formats.FORMATS[format](Credential("id", secret))
    assert secret not in str(caught.value)


# --- the program ------------------------------------------------------------------------------------------------------------------------


def test_the_credential_goes_into_a_pipe(machine: Machine) -> None:
    machine.role()
    done = machine.run("get", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    (session,) = machine.cloud.sessions
    assert json.loads(done.stdout)["AccessKeyId"] == session.access_key_id


def test_json_is_the_option_of_all_commands_too(machine: Machine) -> None:
    assert json.loads(machine.run("get", "--json", environ=machine.keys).stdout)["Code"] == "Success"


def test_at_a_terminal_nothing_is_printed_without_show(machine: Machine) -> None:
    code, printed = machine.at_terminal("get", environ=machine.keys)
    assert code == 2
    assert printed == "alicred get: secrets are not printed to a terminal: send the output to a program\nor a file, or add --show\n"
    code, printed = machine.at_terminal("get", "--show", environ=machine.keys)
    assert code == 0
    assert machine.cloud.access_key.access_key_secret in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "yaml"], r"argument --format: invalid choice: 'yaml' \(choose from .*json.*\)"),
        (["--shell", "csh"], r"argument --shell: invalid choice: 'csh'"),
        (["--format", "json", "--shell", "fish"], "--shell is for --format env; leave it away for json"),
        (["--json", "--format", "ini"], "--json and --format ini cannot both be followed: leave one away"),
        (["--form", "json"], "unrecognized arguments: --form json"),
        (["--profile"], "argument --profile: expected one argument"),
        (["extra"], "unrecognized arguments: extra"),
        (["--profile="], "argument --profile: it is empty: give the name of a profile"),
        (["--role-arn", "reports"], "argument --role-arn: it is no ARN of a role. Give acs:ram::<account>:role/<name>"),
        (["--region", "bad!"], "argument --region: it must be the id of a region, such as cn-hangzhou"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(arguments: list[str], said: str, machine: Machine) -> None:
    done = machine.run("get", *arguments, environ=machine.keys)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(f"^alicred.*: {said}", done.stderr)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("set_up", "code", "said"),
    [
        (lambda machine: None, 1, "no source has a credential"),
        (lambda machine: machine.cli_file({"name": "default", "mode": "AK", "access_key_id": "x"}), 1, "access_key_secret"),
        (lambda machine: (machine.role(), machine.cloud.revoke(machine.cloud.access_key.access_key_id)), 3, "AssumeRole"),
    ],
    ids=["nothing", "half", "revoked"],
)
def test_without_a_credential_nothing_is_printed(set_up: object, code: int, said: str, machine: Machine) -> None:
    assert callable(set_up)
    set_up(machine)
    done = machine.run("get")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_gone_is_no_traceback(machine: Machine) -> None:
    read, write = os.pipe()
    os.close(read)
    done = machine.run("get", environ=machine.keys, capture_output=False, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.parametrize("command", ["get", "--version", "--help", "get --help"])
def test_an_output_that_is_closed_or_full_is_one_line(command: str, machine: Machine) -> None:
    program = " ".join(ALICRED)
    for output, reason in ((">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")):
        if output.startswith(">/") and not os.path.exists("/dev/full"):
            continue
        done = machine.run_program(["sh", "-c", f"{program} {command} {output}"], machine.keys)
        assert (done.returncode, done.stderr) == (1, f"alicred: the output cannot be written: {reason}\n")


def test_without_any_stream_it_still_ends(machine: Machine) -> None:
    done = machine.run_program(["sh", "-c", f"{' '.join(ALICRED)} get <&- >&- 2>&-"], machine.keys)
    assert done.returncode == 1


def test_what_a_profile_with_an_access_key_has_no_use_for_is_not_loaded(machine: Machine) -> None:
    key = machine.cloud.access_key
    keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
    machine.cli_file({"name": "default", "mode": "AK", **keys})
    program = "import sys; from alicred.cli.main import main; main(['get']); print(*sys.modules, file=sys.stderr)"
    unmeasured = dict.fromkeys((name for name in machine.environ if name.startswith("COVERAGE")), "")  # which loads modules of its own
    loaded = set(machine.run_program([sys.executable, "-I", "-c", program], unmeasured).stderr.split())
    heavy = {"asyncio", "configparser", "cryptography", "logging", "pathlib", "rich", "shutil", "ssl", "subprocess", "urllib3"}
    ours = {f"alicred.{name}" for name in ("refresh.cache", "sources.oauth", "sources.ecs_ram_role", "wire.http", "wire.imds", "wire.sts")}
    assert "alicred.sources.profiles.cli.provider" in loaded
    assert loaded & (heavy | ours) == set()

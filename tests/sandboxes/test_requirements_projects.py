"""Declarations of repositories as they are found: what is taken, what is left out, in which precedence."""

from __future__ import annotations

from sandboxes.requirements import Declarations, read_declarations


def read(files: dict[str, str]) -> Declarations:
    return read_declarations({path: text.encode() for path, text in files.items()})


def test_a_setuptools_project_with_a_setup_script() -> None:
    found = read(
        {
            "setup.py": """
from setuptools import setup
requires = [
    "charset_normalizer>=2,<4",
    "idna>=2.5,<4",  # names
    'urllib3>=1.26,<3; '
    'python_version >= "3.8"',
]
test_requirements = ["pytest-httpbin==2.1.0", "pytest-mock"]
setup(
    name="requests",
    install_requires=requires,
    tests_require=test_requirements,
    setup_requires=["pytest-runner"],
    python_requires=">=3.8",
    extras_require={
        "security": [],
        # proxies
        "socks": ["PySocks>=1.5.6, !=1.5.7"],
        "test": test_requirements,
        "all": [*test_requirements],
        "docs": ["never"],
    },
)
""",
            "requirements-dev.txt": "-e .[socks]\npytest>=2.8.0,<9\nhttpbin~=0.10.0\n",
        }
    )
    assert found.requirements == (
        "PySocks!=1.5.7,>=1.5.6",
        "charset_normalizer<4,>=2",
        "httpbin~=0.10.0",
        "idna<4,>=2.5",
        "pytest-httpbin==2.1.0",
        "pytest-mock",
        "pytest<9,>=2.8.0",
        'urllib3<3,>=1.26; python_version >= "3.8"',
    )
    assert found.build_requirements == ("pytest-runner", "setuptools", "wheel")
    assert found.requires_python == ">=3.8"
    assert found.installable and found.notes == ()


def test_a_setup_script_is_scanned_and_never_run() -> None:
    found = read({"setup.py": "raise SystemExit('must not run')"})
    assert found.installable and found.requirements == () and found.notes == ()
    found = read({"setup.py": "setup(install_requires=['six', f'core=={version}', 'attrs'], x=open('/etc'))"})
    assert found.requirements == ("six",)
    assert [note.split(":")[0] for note in found.notes] == ["setup.py is not run"]
    found = read({"setup.py": "install_requires = read('requirements.txt')", "requirements.txt": "six\n"})
    assert found.requirements == ("six",)


def test_setup_cfg_goes_before_setup_py_and_pyproject_before_both() -> None:
    old = {
        "setup.py": "setup(install_requires=['from-setup-py'], extras_require={'test': ['mock']})",
        "setup.cfg": "[metadata]\nname = x\n[options]\ninstall_requires =\n    from-setup-cfg\n"
        "[options.extras_require]\ntest =\n    pytest\n",
    }
    assert read(old).requirements == ("from-setup-cfg", "pytest")
    new = {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["from-pyproject"]\n', **old}
    assert read(new).requirements == ("from-pyproject", "pytest")


def test_dependencies_that_lie_in_files_of_setuptools() -> None:
    found = read(
        {
            "pyproject.toml": """
[project]
name = "x"
dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools.dynamic]
dependencies = { file = ["reqs/run.txt"] }
optional-dependencies.test = { file = "reqs/test.txt" }
optional-dependencies.docs = { file = "reqs/docs.txt" }
""",
            "reqs/run.txt": "numpy\n",
            "reqs/test.txt": "-r run.txt\n-c ../pins.txt\npytest\n",
            "reqs/docs.txt": "sphinx\n",
            "pins.txt": "numpy<3  # for now\npip==20.0\n-r run.txt\nscipy[extra]==1.14\n",
        }
    )
    assert found.requirements == ("numpy", "pytest")
    assert found.constraints == ("numpy<3", "scipy==1.14")
    setup = "[options]\ninstall_requires = file: a.txt, b.txt\n"
    old = read({"setup.cfg": setup, "a.txt": "six", "b.txt": "attrs"})
    assert old.requirements == ("attrs", "six")


def test_a_uv_project_with_a_workspace() -> None:
    found = read(
        {
            "pyproject.toml": """
[project]
name = "service"
requires-python = ">=3.11"
dependencies = ["fastapi>=0.110", "shared-models", "torch"]
[dependency-groups]
test = ["pytest>=8", "service[extra]"]
integration = ["testcontainers"]
docs = ["mkdocs"]
[project.optional-dependencies]
extra = ["orjson"]
[tool.uv]
dev-dependencies = ["ruff"]
default-groups = ["dev", "integration", "docs"]
constraint-dependencies = ["grpcio<1.65"]
[tool.uv.sources]
shared-models = { workspace = true }
torch = [{ index = "pytorch-cpu", marker = "sys_platform == 'linux'" }]
""",
        }
    )
    assert found.requirements == ("fastapi>=0.110", "orjson", "pytest>=8", "ruff", "testcontainers")
    assert found.constraints == ("grpcio<1.65",)
    assert found.requires_python == ">=3.11"
    assert found.notes == (
        "pyproject.toml: left out shared-models: the project does not take it from an index",
        "pyproject.toml: left out torch: the project does not take it from an index",
    )


def test_a_pdm_project() -> None:
    found = read(
        {
            "pyproject.toml": """
[project]
name = "pdm-app"
dependencies = ["httpx>=0.20"]
[tool.pdm.dev-dependencies]
test = ["pytest", "pytest-mock"]
doc = ["mkdocs"]
dev = ["-e file:///${PROJECT_ROOT}/plugin"]
"""
        }
    )
    assert found.requirements == ("httpx>=0.20", "pytest", "pytest-mock")
    assert [note.split(" '")[0] for note in found.notes] == ["[tool.pdm.dev-dependencies]: refused"]


def test_a_pipfile() -> None:
    found = read(
        {
            "Pipfile": """
[[source]]
url = "https://index.example.org/simple"
name = "example"
[packages]
django = "~=4.2"
psycopg = {version = ">=3.1", extras = ["binary"]}
pywin32 = {version = "*", sys_platform = "== 'win32'", markers = "python_version > '3'"}
app = {path = ".", editable = true, extras = ["cache"]}
ours = {git = "https://example.org/ours.git", ref = "main"}
[dev-packages]
pytest-django = "*"
[requires]
python_version = "3.11"
""",
            "setup.py": "setup(extras_require={'cache': ['redis']})",
        }
    )
    assert found.requirements == (
        "django~=4.2",
        "psycopg[binary]>=3.1",
        "pytest-django",
        'pywin32; sys_platform == "win32" and python_version > "3"',
        "redis",
    )
    assert found.requires_python == "==3.11.*"
    assert found.notes == ("Pipfile: refused 'ours': from git",)


def test_a_django_application_with_a_folder_of_requirements_files() -> None:
    found = read(
        {
            "requirements/base.txt": "Django>=4.2,<5\r\ncelery==5.3.6 \\\r\n    --hash=sha256:aa\r\n",
            "requirements/local.txt": "-r base.txt\npytest-django==4.8\n-r docs.txt\n",
            "requirements/production.txt": "-r base.txt\ngunicorn\n",
            "requirements/docs.txt": "sphinx\n",
            "requirements/ci.txt": "codecov\n",
            "manage.py": "import django\n",
        }
    )
    assert found.requirements == ("Django<5,>=4.2", "celery==5.3.6", "pytest-django==4.8")
    assert found.notes == ()


def test_which_requirements_files_are_taken() -> None:
    def taken(*paths: str) -> tuple[str, ...]:
        files = {path: f"{path.replace('/', '_').replace('.', '_')}\n" for path in paths}
        return read(files).requirements

    assert taken("requirements.txt", "requirements.in", "docs-requirements.txt") == ("requirements_txt",)
    assert taken("requirements.in", "requirements-lint.txt") == ("requirements_in",)
    for path in (
        "requirements-test.txt",
        "test-requirements.txt",
        "requirements_dev.txt",
        "dev-requirements.txt",
        "requirementsdev.txt",
        "tests/requirements.txt",
        "test/requirements.txt",
        "tests/requirements/py3.txt",
        "requirements/ci.txt",
    ):
        assert taken(path) == (path.replace("/", "_").replace(".", "_"),), path
    assert taken("requirements/tests.txt", "requirements/dev.txt") == ("requirements_tests_txt",)
    assert taken("requirements/web.txt", "requirements/build.txt", "requirements/docs.in") == (
        "requirements_web_txt",
    )
    assert taken("docs/requirements.txt", "examples/a/requirements.txt", "requirements-docs.txt") == ()


def test_encodings_of_requirements_files() -> None:
    text = "# caf\u00e9\r\nattrs>=22\r\n"
    for data in (
        text.encode("utf-16"),
        text.encode("utf-8-sig"),
        text.encode("latin-1"),
        text.encode("utf-32"),
    ):
        assert read_declarations({"requirements.txt": data}).requirements == ("attrs>=22",)


def test_a_pin_that_contradicts_a_more_standard_declaration_is_left_out() -> None:
    found = read(
        {
            "pyproject.toml": '[project]\nname = "x"\ndependencies = ["attrs>=22", "six"]\n',
            "requirements.txt": "attrs==21.4.0\nsix==1.16\ntomli==1.0; python_version < '3.11'\n",
            "requirements-test.txt": "six==1.15\ntomli==2.0\n",
        }
    )
    assert found.requirements == (
        "attrs>=22",
        "six",
        "six==1.16",
        'tomli==1.0; python_version < "3.11"',
        "tomli==2.0",
    )
    assert found.notes == (
        "requirements.txt: left out attrs==21.4.0: contradicts attrs>=22",
        "requirements-test.txt: left out six==1.15: contradicts six==1.16",
    )


def test_interpreters() -> None:
    def python(files: dict[str, str]) -> tuple[str, int]:
        found = read(files)
        return found.requires_python, len(found.notes)

    project = '[project]\nname = "x"\nrequires-python = ">=3.9"\n'
    assert python({"pyproject.toml": project, ".python-version": "3.11.4\n"}) == ("==3.11.*,>=3.9", 0)
    assert python({"pyproject.toml": project, ".python-version": "3.8\n"}) == (">=3.9", 1)
    assert python({".python-version": "# pyenv\npypy3.9-7.3\nmyenv\ncpython-3.12\n"}) == ("==3.12.*", 0)
    assert python({"setup.cfg": "[options]\npython_requires = >=3.7, !=3.8.*\n"}) == ("!=3.8.*,>=3.7", 0)
    assert python({"pyproject.toml": '[project]\nname = "x"\nrequires-python = "three"\n'}) == ("", 1)
    assert python({"setup.py": "setup(python_requires='>=2.7, !=3.0.*')"}) == ("!=3.0.*,>=2.7", 0)


def test_the_digest_covers_every_file_that_was_read_and_no_other() -> None:
    files = {
        "pyproject.toml": '[project]\nname = "x"\n',
        "requirements.txt": "-r more.txt\n-c pins.txt\n",
        "more.txt": "six\n",
        "pins.txt": "six<2\n",
        "poetry.lock": "",
        ".python-version": "3.11\n",
        "tox.ini": "[testenv]\ndeps = pytest\n",
        "readme.md": "",
    }
    digest = read(files).digest
    for path, text in files.items():
        changed = read({**files, path: text + "\n"}).digest != digest
        assert changed == (path != "readme.md"), path
    assert len({read({"setup.py": ""}).digest, read({"setup.cfg": ""}).digest, read({}).digest}) == 3

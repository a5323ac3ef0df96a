"""The emulator's own singularity: every form of image, by every way of running that this machine has."""

import os
import pwd
import shutil
import signal
import subprocess
import threading

import pytest

from emulator.runtimes.singularity.backends import charliecloud, namespaces
from tests.live.containers.conftest import COURSE
from tests.real.oci_registry import OciRegistry
from tests.real.waiting import wait_until

pytestmark = [pytest.mark.xdist_group("docker"), pytest.mark.sample(2, of="module")]
BACKENDS = ("namespaces", "ch-run", "proot", "docker")
FORMS = ("sif", "squashfs", "simg", "directory", "docker-archive")


@pytest.fixture(params=BACKENDS)
def backend(request):
    here = {
        "namespaces": namespaces.available(),
        "ch-run": charliecloud.available(),
        "proot": shutil.which("proot") is not None,
        "docker": shutil.which("docker") is not None,
    }
    if not here[request.param]:
        pytest.skip(f"{request.param} cannot be used on this machine")
    return request.param


def said(done):
    return done.stdout.decode()


# what is the same whatever runs it


def test_a_command_in_an_image(call, backend, busybox_archive, tmp_path):
    (tmp_path / "here.txt").write_text("here\n")
    text = 'cat here.txt - ; pwd; id -u; echo "$MINE"; echo err >&2; echo out >made.txt; exit 7'
    done = call("exec", busybox_archive, "sh", "-c", text, backend=backend, given=b"given\n", MINE="a 'b\n")
    assert done.returncode == 7, done.stderr
    assert said(done) == f"here\ngiven\n{tmp_path}\n{os.getuid()}\na 'b\n\n"
    assert done.stderr == b"err\n"
    assert (tmp_path / "made.txt").read_text() == "out\n"
    assert (tmp_path / "made.txt").stat().st_uid == os.getuid()


def test_binds(call, backend, busybox_archive, tmp_path):
    source = tmp_path.parent / f"{tmp_path.name}-other"
    source.mkdir()
    (source / "file").write_text("bound\n")
    done = call("exec", "-B", f"{source}:/far/away", busybox_archive, "sh", "-c",
                "cat /far/away/file; echo more >/far/away/new", backend=backend)  # fmt: skip
    assert (done.returncode, said(done)) == (0, "bound\n"), done.stderr
    assert (source / "new").read_text() == "more\n"
    by_variable = call(
        "exec", busybox_archive, "cat", "/far/file", backend=backend, SINGULARITY_BIND=f"{source}:/far"
    )
    assert said(by_variable) == "bound\n"
    none = call("exec", "-B", "/no/such/thing", busybox_archive, "true", backend=backend)
    assert none.returncode == 255 and b"mount source /no/such/thing doesn't exist" in none.stderr


def test_the_image_cannot_be_written_to(call, backend, busybox_archive):
    if backend == "proot" and os.geteuid() == 0:
        pytest.skip("proot does not keep root from writing")
    done = call("exec", busybox_archive, "touch", "/new", backend=backend)
    assert done.returncode == 1 and b"ead-only" in done.stderr + b"ead-only" * (b"denied" in done.stderr)


def test_a_program_that_is_not_there(call, backend, busybox_archive):
    done = call("exec", busybox_archive, "no-such-program", backend=backend)
    assert done.returncode == 255
    assert (
        b'FATAL:   exec no-such-program failed: "no-such-program": executable file not found in $PATH'
        in done.stderr
    )


def test_a_signal_ends_all_that_was_started(
    call, backend, busybox_archive, commands, docker_engine, tmp_path
):
    """TERM, as a cancelled job sends it to each of its processes."""
    text = "trap 'exit 9' TERM; touch up; while :; do sleep 0.1; done"
    held = subprocess.Popen(
        [commands / "singularity", "exec", busybox_archive, "sh", "-c", text],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DOCKER_HOST": docker_engine.host,
            "TAPIS_EMULATOR_SINGULARITY": backend,
        },
    )  # fmt: skip
    wait_until((tmp_path / "up").exists, 60)
    held.send_signal(signal.SIGTERM)
    assert held.wait(30) == 9


def test_forms_of_images(call, forms, tmp_path):
    for form in FORMS:
        done = call("exec", forms[form], "sh", "-c", "test -x /bin/busybox && echo $SINGULARITY_NAME")
        assert (done.returncode, said(done)) == (0, f"{forms[form].name}\n"), (form, done.stderr)


def test_run_uses_the_runscript(call, forms):
    for form in ("sif", "squashfs", "simg", "directory"):
        assert said(call("run", forms[form], "a", "b c")) == "run with 2 arguments: a b c\n"


def test_run_of_a_docker_image_is_its_command(call, busybox_archive):
    assert said(call("run", busybox_archive, "echo", "x y")) == "x y\n"
    assert said(call("run", busybox_archive, given=b"echo from the shell\n")) == "from the shell\n"


def test_variables(call, forms):
    text = 'echo "$OWN|$FIXED|$A|$B|$PATH|$SINGULARITYENV_B"'
    done = call("exec", "--env", "A=1,2", forms["sif"], "sh", "-c", text, OWN="mine", SINGULARITYENV_B="b\nb",
                SINGULARITYENV_PREPEND_PATH="/first", FIXED="host")  # fmt: skip
    own, fixed, a, b, path, raw = said(done)[:-1].split("|")
    assert (own, fixed, a, b, raw) == ("mine", "fixed", "1,2", "b\nb", "")
    assert path.startswith("/first:/usr/local/sbin:") and os.environ["PATH"] not in path
    clean = call("exec", "--cleanenv", forms["sif"], "env", OWN="mine", OTHER="x", APPTAINERENV_KEPT="yes")
    seen = dict(line.split("=", 1) for line in said(clean).splitlines())
    assert (seen["OWN"], seen["KEPT"], seen["LANG"]) == ("of the image", "yes", "C")
    assert "OTHER" not in seen


def test_containment(call, forms, tmp_path):
    (tmp_path / "secret").touch()
    done = call(
        "exec",
        "-c",
        forms["sif"],
        "sh",
        "-c",
        f"ls -A {tmp_path} /tmp; pwd; echo x >/tmp/own && cat /tmp/own",
    )
    assert done.returncode == 0, done.stderr
    assert "secret" not in said(done) and said(done).endswith("x\n")


def test_where_it_starts(call, forms):
    assert said(call("exec", "--pwd", "/usr", forms["sif"], "pwd")) == "/usr\n"
    lost = call("exec", "--pwd", "/no/such", forms["sif"], "pwd")
    assert lost.returncode == 255 and b"/no/such" in lost.stderr


def test_home(call, forms, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    done = call("exec", "-H", f"{other}:/home/me", forms["sif"], "sh", "-c", 'echo "$HOME"; touch ~/new')
    assert said(done) == "/home/me\n", done.stderr
    assert (other / "new").exists()


def test_writable_tmpfs(call, forms):
    done = call("exec", "--writable-tmpfs", forms["sif"], "sh", "-c", "echo x >/bin/new && cat /bin/new")
    if done.returncode == 255:
        assert b"not possible with this kernel" in done.stderr
        pytest.skip("no overlay on an overlay here")
    assert said(done) == "x\n"
    assert not (forms["directory"] / "bin/new").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["exec", "--bogus", "IMAGE", "true"], b"unknown flag: --bogus"),
        (["exec", "-Z", "IMAGE", "true"], b"unknown shorthand flag: -Z"),
        (["exec", "--overlay", "x", "IMAGE", "true"], b"--overlay is not supported"),
        (["exec", "--bind"], b"flag needs an argument: --bind"),
        (["exec", "library://a/b", "true"], b"library:// images are not supported"),
        (["exec", "/no/such.sif", "true"], b"could not open image /no/such.sif"),
        (["exec", "-B", "/etc:/", "IMAGE", "true"], b"nothing can be bound over /"),
        (["exec", "--env", "novalue", "IMAGE", "true"], b"must be formatted as key=value"),
        (["frobnicate"], b'unknown command "frobnicate"'),
    ],
)
def test_what_it_refuses(call, busybox_archive, words, reason):
    done = call(*[str(busybox_archive) if word == "IMAGE" else word for word in words])
    assert done.returncode == 255
    assert done.stderr.startswith(b"FATAL: ") and reason in done.stderr


def test_graphics_cards_are_warned_about(call, busybox_archive):
    done = call("exec", "--nv", busybox_archive, "echo", "x", name="apptainer")
    assert (done.returncode, said(done)) == (0, "x\n")
    assert done.stderr.startswith(b"WARNING: --nv has no effect")


def test_version(call):
    assert said(call("--version")) == "singularity version 3.8-tapis-emulator\n"
    assert said(call("--version", name="apptainer")) == "apptainer version 3.8-tapis-emulator\n"


# many at once, cut off, and others' images


def test_many_begin_at_once(call, busybox_archive, tmp_path):
    cache = tmp_path / "new-cache"
    results = []

    def one(number):
        results.append(call("exec", busybox_archive, "echo", str(number), SINGULARITY_CACHEDIR=str(cache)))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said(done) for done in results) == [f"{n}\n" for n in range(8)]
    assert len(list(cache.glob("tapis-emulator/sha256-*"))) == 1


def test_a_call_that_is_killed_while_it_unpacks(busybox_archive, call, commands, tmp_path):
    cache = tmp_path / "cache"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SINGULARITY_CACHEDIR": str(cache)}
    cut = subprocess.Popen([commands / "singularity", "exec", busybox_archive, "true"], env=environment)
    wait_until(lambda: list(cache.glob("tapis-emulator/*.part")) or cut.poll() is not None, 60)
    cut.kill()
    cut.wait()
    assert said(call("exec", busybox_archive, "echo", "x", SINGULARITY_CACHEDIR=str(cache))) == "x\n"
    assert not list(cache.glob("tapis-emulator/*.part"))


def test_an_image_that_an_engine_holds(call, busybox_image):
    for reference in (busybox_image, f"docker://{busybox_image}", f"docker-daemon://{busybox_image}"):
        assert said(call("exec", reference, "echo", "x")) == "x\n"


def test_an_image_from_a_registry(call, busybox_archive, forms, tmp_path):
    with OciRegistry() as registry:
        name = registry.publish("some/box", busybox_archive.read_bytes())
        done = call("exec", f"docker://{name}", "echo", "x", DOCKER_HOST="unix:///nowhere")
        assert (done.returncode, said(done)) == (0, "x\n"), done.stderr
        pulled = call("pull", f"docker://{name}", DOCKER_HOST="unix:///nowhere")
        assert pulled.returncode == 0, pulled.stderr
        again = call("pull", f"docker://{name}", DOCKER_HOST="unix:///nowhere")
        assert again.returncode == 255 and b"will not overwrite" in again.stderr
    assert said(call("run", tmp_path / "box_latest.sif", "echo", "from a file")) == "from a file\n"
    lost = call(
        "exec", f"docker://{name}", "true", DOCKER_HOST="unix:///nowhere", SINGULARITY_CACHEDIR=str(tmp_path)
    )
    assert lost.returncode == 255 and b"cannot be pulled" in lost.stderr


def test_inspect(call, forms):
    assert said(call("inspect", forms["sif"])) == "maker: tests\n"
    assert "run with" in said(call("inspect", "--runscript", forms["sif"]))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user(commands, busybox_archive, tmp_path_factory):
    """Who has user namespaces, or proot."""
    nobody = pwd.getpwnam("nobody")
    place = tmp_path_factory.mktemp("nobody")
    image = place / "image.tar"
    shutil.copy(busybox_archive, image)
    shutil.copytree(commands, place / "bin")
    for path in (place, *place.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    for parent in place.parents:
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001 and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o011)
    done = subprocess.run(
        [place / "bin/singularity", "exec", image, "sh", "-c", "id -u; touch made; touch /no; exit 5"],
        cwd=place,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(place)},
        capture_output=True,
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
    )
    assert done.returncode == 5, done.stderr
    assert done.stdout.decode() == f"{nobody.pw_uid}\n"
    assert (place / "made").stat().st_uid == nobody.pw_uid
    assert b"/no: " in done.stderr


# the course


def test_the_course_command(call, backend, classifier_image, tmp_path):
    shutil.copytree(COURSE / "pictures", tmp_path / "pictures")
    image = tmp_path / classifier_image.name
    image.symlink_to(classifier_image)
    done = call(
        "run", image.name, "python", "/classify_image.py", "--image", "pictures/sunflower.png", "--top", "3",
        "--out", "predictions.txt", backend=backend,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "predictions.txt").read_text().startswith("sunflower (score = ")

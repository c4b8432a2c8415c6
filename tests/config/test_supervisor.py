"""The supervisor, with real processes: ready, crash, restart, stop, and its own violent death."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from config.demo import supervisor as module
from config.demo.embedded import free_port
from config.demo.processes import ProcessError, wait_until
from config.demo.supervisor import Process, Supervisor, answers_http

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-u",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf');"
    "time.sleep(600)",
]


def web_server(port):
    """A process whose life shows from outside: it answers on a port, or nobody does."""
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]


class Told:
    """What the supervisor wrote to the console."""

    def __init__(self):
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)

    def has(self, words):
        return any(words in line for line in self.lines)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def supervise(tmp_path, told):
    made = []

    def make(*processes, **options):
        supervisor = Supervisor(processes, log_dir=tmp_path / "log", write=told, **options)
        made.append(supervisor)
        supervisor.start()
        return supervisor

    yield make
    for supervisor in made:
        supervisor.stop()


def tick_until(supervisor, is_true, seconds=15):
    def step():
        supervisor.tick()
        return is_true()

    assert wait_until(step, seconds=seconds)


def test_wait_ready_returns_when_the_process_answers(supervise, told):
    url = f"http://127.0.0.1:{free_port()}/"
    process = Process(
        name="web",
        command=web_server(url.rstrip("/").rsplit(":", 1)[1]),
        is_ready=answers_http(url),
    )

    supervisor = supervise(process)
    supervisor.wait_ready()

    assert answers_http(url)()
    assert told.has(f"ready, process {supervisor.pids['web']}")


def test_process_that_ends_while_starting_is_an_error_with_its_last_words(supervise):
    command = [sys.executable, "-c", "raise SystemExit('no such setting')"]
    supervisor = supervise(Process(name="web", command=command, is_ready=lambda: False))

    with pytest.raises(
        ProcessError, match=r"(?s)web stopped with code 1.*no such setting.*web\.log"
    ):
        supervisor.wait_ready()


def test_process_that_never_gets_ready_is_an_error(supervise):
    supervisor = supervise(Process(name="web", command=SLEEPER, is_ready=lambda: False))

    with pytest.raises(ProcessError, match="web was not ready within"):
        supervisor.wait_ready(seconds=0.2)


def test_crashed_process_is_started_again_and_the_new_number_is_told(supervise, told):
    changes = []
    supervisor = supervise(Process(name="relay1", command=SLEEPER), on_change=changes.append)
    before = supervisor.pids["relay1"]

    os.kill(before, signal.SIGKILL)
    tick_until(supervisor, lambda: supervisor.pids.get("relay1", before) != before)

    assert told.has("stopped with code -9; starting again in 0.5 s")
    assert changes == [supervisor.pids]


def test_process_that_crashes_again_and_again_waits_longer_each_time(supervise, told):
    supervisor = supervise(
        Process(name="beat", command=[sys.executable, "-c", "raise SystemExit(3)"])
    )

    tick_until(supervisor, lambda: told.has("starting again in 2 s"))

    delays = [line.rsplit(" in ", 1)[1] for line in told.lines if "starting again" in line]
    assert delays == ["0.5 s", "1 s", "2 s"]


def test_what_a_crashed_process_had_started_does_not_stay(supervise):
    port = free_port()
    script = f"import subprocess, time; subprocess.Popen({web_server(port)!r}); time.sleep(600)"
    supervisor = supervise(
        Process(
            name="web",
            command=[sys.executable, "-c", script],
            is_ready=answers_http(f"http://127.0.0.1:{port}/"),
        )
    )
    supervisor.wait_ready()

    os.kill(supervisor.pids["web"], signal.SIGKILL)
    tick_until(supervisor, lambda: "web" not in supervisor.pids)

    assert wait_until(lambda: not answers_http(f"http://127.0.0.1:{port}/")(), seconds=5)


def test_console_shows_warnings_and_leaves_the_rest_to_the_log(supervise, told, tmp_path):
    script = "print('all is well'); print('WARNING: disk is full ' + 'x' * 500, flush=True);"
    command = [sys.executable, "-c", script + "import time; time.sleep(600)"]
    supervisor = supervise(Process(name="worker", command=command))

    tick_until(supervisor, lambda: told.has("disk is full"))

    assert not told.has("all is well")
    assert max(map(len, told.lines)) < 200
    assert "all is well" in (tmp_path / "log" / "worker.log").read_text()


def test_log_of_the_run_before_is_set_aside(supervise, tmp_path):
    log = tmp_path / "log" / "worker.log"
    log.parent.mkdir()
    log.write_text("the run before\n")

    supervise(Process(name="worker", command=SLEEPER))

    assert "the run before" not in log.read_text()
    assert log.with_suffix(".log.1").read_text() == "the run before\n"


def test_stop_ends_stores_after_everything_that_uses_them(supervise, tmp_path):
    order = tmp_path / "order"
    script = textwrap.dedent("""
        import signal, sys, time
        def leave(*_):
            time.sleep(float(sys.argv[2]))
            open(sys.argv[3], "a").write(sys.argv[1] + "\\n")
            sys.exit()
        signal.signal(signal.SIGTERM, leave)
        print("listening", flush=True)
        time.sleep(600)
    """)

    def process(name, delay, **options):
        log = tmp_path / "log" / f"{name}.log"
        return Process(
            name=name,
            command=[sys.executable, "-c", script, name, delay, str(order)],
            is_ready=lambda: log.exists() and "listening" in log.read_text(),
            **options,
        )

    supervisor = supervise(process("redis", "0", is_store=True), process("web", "0.3"))
    supervisor.wait_ready()
    supervisor.stop()

    assert order.read_text().split() == ["web", "redis"]


def test_process_that_ignores_the_request_to_stop_is_killed_within_the_limit(
    supervise, told, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "STOP_SECONDS", 2.5)
    log = tmp_path / "log" / "web.log"
    supervisor = supervise(
        Process(name="web", command=STUBBORN, is_ready=lambda: "deaf" in log.read_text())
    )
    supervisor.wait_ready()

    began_at = time.monotonic()
    supervisor.stop()

    assert time.monotonic() - began_at < 2.5
    assert supervisor.pids == {}
    assert told.has("was killed")


@pytest.fixture
def supervising_process(tmp_path):
    """A supervisor in a process of its own, and the address of its one child."""
    port = free_port()
    script = textwrap.dedent(f"""
        from pathlib import Path
        from config.demo.supervisor import Process, Supervisor, answers_http
        web = Process(
            name="web", command={web_server(port)!r},
            is_ready=answers_http("http://127.0.0.1:{port}/"),
        )
        with Supervisor([web], log_dir=Path({str(tmp_path)!r})) as supervisor:
            supervisor.start()
            supervisor.wait_ready()
            supervisor.run()
        print("goodbye")
    """)
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert "ready" in process.stdout.readline()
    yield process, answers_http(f"http://127.0.0.1:{port}/")
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_the_children_and_then_the_supervisor_leaves_in_peace(
    supervising_process, number
):
    process, child_answers = supervising_process

    process.send_signal(number)
    output, _ = process.communicate(timeout=12)

    assert not child_answers()
    assert process.returncode == 0
    assert "goodbye" in output


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_children_do_not_outlive_a_supervisor_that_was_killed(supervising_process):
    process, child_answers = supervising_process

    process.kill()

    assert wait_until(lambda: not child_answers(), seconds=5)

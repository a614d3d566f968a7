"""A worker that has begun to end, and hangs, is gone after a while: whoever started it starts another."""

import os
import signal
import subprocess
import time
from pathlib import Path

from appliance import PYTHON, ROOT
from appliance.ports import free_port
from mailservices.net.bell import DELIVER, DELIVERY_QUEUE, celery

#: Seconds that it has here, and until all of this is over.
LIMIT, PATIENCE = 1.0, 60.0
PROGRAM = f"""
import sys, time
from pathlib import Path
from celery import signals
from workers import __main__ as workers

def hang(**_):
    Path(sys.argv[1]).touch()
    time.sleep({10 * PATIENCE})

signals.task_prerun.connect(hang, weak=False)
workers.END_LIMIT = {LIMIT}
workers.main(["worker"])
"""


def test_whoever_hangs_at_its_end_is_gone(tmp_path: Path) -> None:
    hangs, said = tmp_path / "hangs", tmp_path / "log"
    # Redis has other workers, too: these have a database of their own.
    redis = f"{os.environ['FACTEUR_REDIS_URL'].rpartition('/')[0]}/8"
    environment = {
        **os.environ, "FACTEUR_REDIS_URL": redis, "FACTEUR_WORKER_HEALTH_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with said.open("wb") as log:
        worker = subprocess.Popen(
            [PYTHON, "-c", PROGRAM, str(hangs)], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        password = Path(os.environ["FACTEUR_REDIS_PASSWORD_FILE"]).read_text().strip()
        sender = celery(redis.replace("//", f"//:{password}@"))
        sender.send_task(DELIVER, ([],), queue=DELIVERY_QUEUE, ignore_result=True)
        sender.close()
        deadline = time.monotonic() + PATIENCE
        while not hangs.exists():
            assert worker.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 1, said.read_text()
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
    assert "the worker did not end by itself" in said.read_text()

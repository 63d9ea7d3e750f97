"""This file knows how to run a real Neo4j 5 server from its jars, in a folder of its own, without Docker.

By hand: ``python -m tests.neo4j_server FOLDER`` starts one on free ports, prints its Bolt address and stops it at Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

JARS = Path(__file__).resolve().parents[1] / ".neo4j" / "lib"
ADVICE = "run make neo4j"
WIPE = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"  # in the heap that tests have
_OPENS = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
)


def missing() -> str | None:
    """Why no server can be started here, or None when one can."""
    if shutil.which("java") is None:
        return "Java 17 or newer is not on the PATH"
    return None if any(JARS.glob("neo4j-server-*.jar")) else ADVICE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Neo4jServer:
    """One server and its data folder; it can be killed and started again on the same data."""

    home: Path
    heap: str = "512m"
    page_cache: str = "256m"
    password: str = ""  # empty: no authentication
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"bolt://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "neo4j.log"

    def configure(self) -> None:
        conf = self.home / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        settings = {
            "server.default_listen_address": "127.0.0.1",
            "server.bolt.listen_address": f"127.0.0.1:{self.port}",
            "server.bolt.advertised_address": f"127.0.0.1:{self.port}",
            "server.http.enabled": "false",
            "server.https.enabled": "false",
            "server.memory.heap.initial_size": self.heap,
            "server.memory.heap.max_size": self.heap,
            "server.memory.pagecache.size": self.page_cache,
            "server.directories.import": str(self.home / "import"),
            "dbms.security.auth_enabled": "true" if self.password else "false",
            "dbms.usage_report.enabled": "false",
            "db.tx_log.rotation.retention_policy": "keep_none",
        }
        (conf / "neo4j.conf").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))

    def admin(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``neo4j-admin`` on this home, in this folder or, left out, in the home; the server must be stopped."""
        self.configure()
        command = ["java", f"-Xmx{self.heap}", "-cp", f"{JARS}/*", *_OPENS, "org.neo4j.cli.AdminTool", *arguments]
        env = os.environ | {"NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")}
        return subprocess.run(command, env=env, cwd=folder or self.home, capture_output=True, text=True, check=False)

    def start(self, timeout_seconds: float = 240) -> None:
        """Start and wait until Bolt answers."""
        self.configure()
        if self.password and not (self.home / "data" / "dbms").exists():
            self.admin("dbms", "set-initial-password", self.password)
        command = ["java", f"-Xms{self.heap}", f"-Xmx{self.heap}", "-XX:+UseParallelGC", "-cp", f"{JARS}/*", *_OPENS]
        command += ["org.neo4j.server.CommunityEntryPoint", f"--home-dir={self.home}", f"--config-dir={self.home}/conf"]
        with (self.home / "console.log").open("ab") as console:
            self.process = subprocess.Popen(command, stdout=console, stderr=console, start_new_session=True)
        deadline = time.monotonic() + timeout_seconds
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Neo4j did not start, see {self.log}\n{self._tail()}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """True when the port speaks Bolt: a handshake is answered."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.sendall(bytes.fromhex("6060b017") + bytes.fromhex("00000405") + bytes(12))
                return len(probe.recv(4)) == 4
        except OSError:
            return False

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def _tail(self) -> str:
        lines = [path.read_text(errors="replace") for path in (self.log, self.home / "console.log") if path.exists()]
        return "\n".join("\n".join(lines).splitlines()[-20:])


def main() -> None:
    server = Neo4jServer(Path(sys.argv[1]).resolve(), heap="1g", page_cache="1g")
    server.start()
    print(server.address, flush=True)
    try:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        server.stop()


if __name__ == "__main__":
    main()

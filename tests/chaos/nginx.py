"""A real nginx in front of servers, with the configuration that docs/proxies.md gives."""
import os
import re
import signal
import subprocess

from howdah import ROOT, eventually, free_port, new_directory, request

MAIN = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    log_format statuses "$status $request_method $upstream_status $upstream_addr $request_time";
    access_log {directory}/access.log statuses;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/howdah.conf;
}}
"""


class Nginx:
    def __init__(self, servers):
        self.directory = new_directory()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        example = (ROOT / "docs" / "examples" / "nginx.conf").read_text()
        mine, count = re.subn(r"listen 80;", f"listen 127.0.0.1:{self.port};", example)
        assert count == 1
        upstreams = re.findall(r"server 127\.0\.0\.1:\d+", mine)
        assert len(upstreams) == len(servers)
        for upstream, server in zip(upstreams, servers):
            mine = mine.replace(upstream + " ", f"server 127.0.0.1:{server.port} ")
        (self.directory / "howdah.conf").write_text(mine)
        (self.directory / "nginx.conf").write_text(MAIN.format(directory=self.directory))
        # The descriptors that it inherits would be another's listeners (NGINX, a variable of its own).
        environment = {name: value for name, value in os.environ.items() if name != "NGINX"}
        self.process = subprocess.Popen(["nginx", "-c", self.directory / "nginx.conf", "-e", self.directory / "error.log"],
                                        stdin=subprocess.DEVNULL, env=environment)
        eventually(self._answers, "nginx answers")

    def _answers(self):
        assert self.process.poll() is None, self.errors()
        return request(self.port, "GET", "/", quiet=True).status

    def errors(self):
        file = self.directory / "error.log"
        return file.read_text() if file.exists() else ""

    def statuses(self):
        """What each SQS request was answered."""
        return [line.split()[0] for line in (self.directory / "access.log").read_text().splitlines() if "POST" in line]

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

"""Runs the deployed script of a Glue job on this machine, in its own process."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from tools.processes import SOON, Session
from tools.sandbox.errors import SandboxError
from tools.sandbox.glue.job_logs import DRIVER_STREAM, JobLog, cloudwatch, group_prefix
from tools.sandbox.java import archive_folder, java_home, java_options
from tools.sandbox.runtime import Runtime, installed

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

    from tools.sandbox.account import Account
    from tools.sandbox.account.deployed import Credentials

GLUE = "glue.amazonaws.com"
SESSION_NAME = "GlueJobRunnerSession"
LOG_NAME = "log.txt"
ERROR_NAME = "error.txt"
RUN_SCRIPT = Path(__file__).with_name("run_script.py")
MAX_ERROR_LENGTH = 500
# What of the caller's environment would change how Python or Spark runs.
NOT_INHERITED = ("PYTHON", "PYSPARK", "SPARK", "JAVA", "JDK_JAVA", "_JAVA", "HADOOP", "CLASSPATH")


@dataclass(frozen=True)
class JobRequest:
    """What one job run consists of, as it is deployed.

    Attributes:
        role: name or ARN of the role that Glue assumes for the run.
        script_location: `s3://` URI of the script.
        arguments: everything that is passed to the script, by name with its dashes.
        folder: a folder for this run alone: its code, its log, its temporary files.
        run_id: names its log streams.
        security_configuration: a part of the names of its log groups; "" where it has none.
        runtime: the Python and the Spark that stand in for the job's Glue version.
    """

    role: str
    script_location: str
    arguments: Mapping[str, str]
    folder: Path
    run_id: str
    security_configuration: str = ""
    runtime: Runtime = field(default_factory=installed)

    @property
    def log(self) -> Path:
        """The file with everything that the job prints."""
        return self.folder / LOG_NAME

    @property
    def error(self) -> Path:
        """The file with the exception that ended the job, if one did."""
        return self.folder / ERROR_NAME


class JobProcess:
    """A running job. It is the first process of its own session, and everything that it
    starts (Spark's JVM, its Python workers) stays in that session and ends with it."""

    def __init__(self, session: Session, request: JobRequest, log: JobLog) -> None:
        self.pid = session.pid
        self._error = request.error
        self._session = session
        self._log = log

    @classmethod
    def start(cls, request: JobRequest, account: Account) -> Self:
        """Assumes the job's role, fetches the deployed code with it, and starts the code as it.

        Raises:
            SandboxError: Glue may not assume the role, the code cannot be fetched, or Java is
                missing; says which.
        """
        request.folder.mkdir(parents=True, exist_ok=True)
        code = request.folder / "code"
        credentials = account.assume_role(request.role, service=GLUE, session_name=SESSION_NAME)
        if credentials is None:
            raise SandboxError(
                f"Role {request.role} should be given assume role permissions for Glue Service."
            )
        s3 = account.client_of(credentials, "s3")
        script = _fetch(s3, request.script_location, code)
        packages = [
            _fetch(s3, uri.strip(), code)
            for uri in request.arguments.get("--extra-py-files", "").split(",")
            if uri.strip()
        ]
        runtime = request.runtime
        command = [str(runtime.python), str(RUN_SCRIPT), str(request.error), str(script)]
        command += [part for pair in request.arguments.items() for part in pair]
        session = Session(
            "the job (Spark)",
            command,
            cwd=request.folder,
            env=job_environment(account, credentials, packages, request.folder, runtime),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        log = _log_of(request, account.client_of(credentials, "logs"))
        if runtime.note:
            log.say(runtime.note)
        if session.popen.stdout and session.popen.stderr:
            log.follow(session.popen.stdout, session.popen.stderr)
        return cls(session, request, log)

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code once the job has ended, or None if it still runs after the timeout.

        What an ended job has left running in its session is ended too.
        """
        try:
            code = self._session.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._session.end(*SOON)
        self._log.close()
        return code

    def terminate(self) -> None:
        """Ends the job and everything in its session, and returns when nothing of it is left.

        May be called at any time, from any thread, and again.
        """
        self._session.end(*SOON)
        self._log.close()

    def error_message(self) -> str:
        """What Glue shows as `ErrorMessage` of the job that has ended badly."""
        return error_message(self._error, self._session.popen.returncode)


def _log_of(request: JobRequest, logs: CloudWatchLogsClient) -> JobLog:
    """The log of a run. Glue writes it as the job's role; what that may not do is not written."""
    prefix = group_prefix(request.arguments, request.security_configuration, request.role)
    stream = DRIVER_STREAM.format(run_id=request.run_id)
    output, error = (cloudwatch(logs, f"{prefix}/{kind}", stream) for kind in ("output", "error"))
    return JobLog(request.log, output=output, error=error)


def error_message(file: Path, exit_code: int) -> str:
    """The exception that ended a job, or that none did: a process that was killed leaves none."""
    try:
        return file.read_text(encoding="utf-8")[:MAX_ERROR_LENGTH]
    except FileNotFoundError:
        return f"Command failed with exit code {exit_code}"


def job_environment(
    account: Account,
    credentials: Credentials,
    packages: list[Path],
    folder: Path,
    runtime: Runtime,
) -> dict[str, str]:
    """The environment of a job: the account, Java and Spark on this machine, and the
    code of the job instead of ours."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)
    }
    return account.environment(inherited, credentials) | {
        "JAVA_HOME": str(java_home(runtime.spark)),
        "PYSPARK_PYTHON": str(runtime.python),
        "PYSPARK_DRIVER_PYTHON": str(runtime.python),
        "PYTHONPATH": os.pathsep.join(str(package) for package in packages),
        "PYTHONUNBUFFERED": "1",
        "PYSPARK_SUBMIT_ARGS": shlex.join(_spark_submit_arguments(folder, runtime)),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "spark"),
    }


def _spark_submit_arguments(folder: Path, runtime: Runtime) -> list[str]:
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.showConsoleProgress": "false",
        **runtime.settings,
    }
    pairs = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    # Four tries per task, as on a cluster; a local master makes only one by default.
    java = ("--driver-java-options", java_options(archive_folder(runtime.spark)))
    return ["--master", "local[2,4]", *java, *pairs, "pyspark-shell"]


def _fetch(s3: S3Client, uri: str, folder: Path) -> Path:
    scheme, _, address = uri.partition("://")
    bucket, _, key = address.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise SandboxError(f"The job's code is not at an s3:// address: {uri!r}.")
    path = folder / Path(key).name
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(f"The job's code {uri} cannot be fetched: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path

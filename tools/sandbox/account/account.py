"""The emulated AWS account: moto in this process, on the loopback device, with its corrections."""

import atexit
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import boto3
import botocore.session
from botocore.config import Config
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.utilities.utils import get_partition
from werkzeug.serving import make_server

from tools.iam import Document, Identity, Principal, Request, decide
from tools.sandbox.account.authorization import Authorization
from tools.sandbox.account.authorization.judge import Judge, Observer, Session
from tools.sandbox.account.corrections import CORRECTIONS, Correction, Hooks
from tools.sandbox.account.deployed import Credentials, Queue, Role
from tools.sandbox.account.glue_state import GlueState
from tools.sandbox.account.storage import Key, Storage
from tools.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

HOST = "127.0.0.1"
DEFAULT_BUS = "default"
EVERYTHING: Document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
DEFAULT_REGION = "eu-central-1"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 (the emulator accepts anything)

Layer = Callable[["WSGIApplication"], "WSGIApplication"]

# moto's state and the patches on it belong to the process, so there can be one account at a time.
_only_one = threading.Lock()


class Account:
    """An empty AWS account that exists while its `with` block runs.

    Everything in it is in memory. On entry moto is corrected and emptied and listens on a free
    port of the loopback device; on exit it is emptied again and is plain moto once more.

    Args:
        region: the region that `client` uses and that the Glue engine looks at.
        port: port to listen on; 0 takes a free one.
        corrections: what to put right in moto; none of them gives plain moto.

    Attributes:
        observers: are called with every permission that somebody asks for.
    """

    def __init__(
        self,
        *,
        region: str = DEFAULT_REGION,
        port: int = 0,
        corrections: Sequence[Correction] = CORRECTIONS,
    ) -> None:
        self.region = region
        self.account_id = DEFAULT_ACCOUNT_ID
        self.partition = get_partition(region)
        self.hooks = Hooks()
        self.glue = GlueState(lambda: self.backend("glue"))
        self.observers: list[Observer] = []
        self._port = port
        self._corrections = corrections
        self._undo = ExitStack()
        self._server: _Server | None = None
        # Of no type: the stubs know each service by its own name only.
        self._session: Any = _session()
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(_the_only_account())
            _empty()
            undo.callback(_empty)
            for correction in self._corrections:
                undo.enter_context(correction.apply(self.hooks))
            self._server = undo.enter_context(_listening(self._port, self._authorized, self.hooks))
            undo.callback(self._close_clients)
            self._undo = undo.pop_all()
        # If nobody closes it: a server whose thread ends with the process can no longer be
        # stopped, and the process would wait for it for ever.
        atexit.register(self.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the account; moto is plain and empty afterwards. Safe to call again."""
        self._undo.close()
        self._server = None
        atexit.unregister(self.close)

    @property
    def endpoint_url(self) -> str:
        """Where every service of this account answers."""
        if self._server is None:
            raise SandboxError("The emulated account is not open.")
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    @property
    def faults(self) -> tuple[str, ...]:
        """What the emulator itself failed at, the latest last; it helps to explain a failure."""
        return tuple(self.hooks.faults)

    @overload
    def client(self, service_name: Literal["s3"]) -> "S3Client": ...
    @overload
    def client(self, service_name: Literal["glue"]) -> "GlueClient": ...
    @overload
    def client(self, service_name: Literal["events"]) -> "EventBridgeClient": ...
    @overload
    def client(self, service_name: Literal["sqs"]) -> "SQSClient": ...
    @overload
    def client(self, service_name: Literal["iam"]) -> "IAMClient": ...
    @overload
    def client(self, service_name: str) -> Any: ...
    def client(self, service_name: str) -> Any:
        """A boto3 client of this account, the same one for each call; threads may share it.

        The AWS settings of the user (variables, profiles, files) have no influence on it.
        """
        with self._clients_lock:
            if service_name not in self._clients:
                self._clients[service_name] = self._session.client(
                    service_name,
                    region_name=self.region,
                    endpoint_url=self.endpoint_url,
                    aws_access_key_id=ACCESS_KEY_ID,
                    aws_secret_access_key=SECRET_ACCESS_KEY,
                    config=_CLIENT_CONFIG,
                )
            return self._clients[service_name]

    def client_of(self, credentials: Credentials, service_name: str) -> Any:
        """A boto3 client whose calls are those of a role's session."""
        return self._session.client(
            service_name,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=_CLIENT_CONFIG,
        )

    def environment(
        self, base: Mapping[str, str] | None = None, credentials: Credentials | None = None
    ) -> dict[str, str]:
        """The whole environment for a program that is to use this account and no other.

        Args:
            base: what to start from; default: this process' environment. Its AWS settings are
                left out.
            credentials: whose calls they are; default: the administrator's.
        """
        inherited = os.environ if base is None else base
        kept = {name: v for name, v in inherited.items() if not name.startswith("AWS_")}
        loopback = {name: _with_loopback(kept.get(name)) for name in ("NO_PROXY", "no_proxy")}
        keys = credentials.environment if credentials else {}
        return kept | loopback | self._settings() | keys

    def role(self, arn: str) -> Role | None:
        """The role of this ARN with its policies, or None if there is none."""
        roles = list(self.backend("iam").roles.values())
        found = next((role for role in roles if role.arn == arn), None)
        if found is None:
            return None
        attached = [_default_version(policy) for policy in found.managed_policies.values()]
        boundary = (found.permissions_boundary or {}).get("PermissionsBoundaryArn")
        return Role(
            name=found.name,
            arn=found.arn,
            trust_policy=found.assume_role_policy_document,
            policies=(*found.policies.values(), *attached),
            boundary=_default_version(self._managed_policy(boundary)) if boundary else None,
        )

    def _managed_policy(self, arn: str) -> Any:
        return self.backend("iam").managed_policies[arn]

    def assume_role(self, role: str, *, service: str, session_name: str) -> Credentials | None:
        """Credentials of a session of this role, for a service that asks for them.

        Every call that is made with them is judged by the role's policies.

        Args:
            role: name or ARN.
            service: such as `glue.amazonaws.com`; the role's trust policy must name it.

        Returns:
            None where there is no such role or the service may not assume it.
        """
        request = Request("sts:AssumeRole", context={"aws:SourceAccount": self.account_id})
        return self._assumed(role, request, Principal.service(service), session_name)

    def assume_role_with_web_identity(
        self, role: str, *, provider: str, claims: Mapping[str, str], session_name: str
    ) -> Credentials | None:
        """The same for whoever has a token of an identity provider, whose signature counts as good.

        Args:
            role: name or ARN.
            provider: ARN of the account's OpenID Connect provider.
            claims: of the token, such as `sub` and `aud`, with which the trust policy is held.
        """
        issuer = provider.partition("oidc-provider/")[2]
        context = {f"{issuer}:{name}": value for name, value in claims.items()}
        request = Request("sts:AssumeRoleWithWebIdentity", context=context)
        return self._assumed(role, request, Principal("Federated", provider), session_name)

    def _assumed(
        self, role: str, request: Request, caller: Principal, session_name: str
    ) -> Credentials | None:
        arn = role if role.startswith("arn:") else self._role_arn(role)
        found = self.role(arn)
        asking = Identity(caller)
        if found is None or not decide(request, asking, resource_policy=found.trust_policy).allowed:
            return None
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=session_name)
        key = answer["Credentials"]
        return Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])

    def _role_arn(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account_id}:role/{name}"

    def _authorized(self, application: "WSGIApplication") -> "WSGIApplication":
        if not self._corrections:
            return application
        judge = Judge(
            self._storage(),
            partition=self.partition,
            region=self.region,
            account_id=self.account_id,
            observe=self._judged,
        )
        return Authorization(
            application,
            judge,
            self._session_of,
            report=self.hooks.faults.append,
            called=lambda operation: self.hooks.called(operation),
        )

    def _judged(self, session: Session, request: Request) -> None:
        for observe in tuple(self.observers):
            observe(session, request)

    def _session_of(self, access_key: str) -> Session | None:
        if access_key == ACCESS_KEY_ID:
            root = f"arn:{self.partition}:iam::{self.account_id}:root"
            return Session(root, Identity(Principal.aws(root), [EVERYTHING]), administrator=True)
        assumed = self.backend("sts").get_assumed_role_from_access_key(access_key)
        role = self.role(assumed.role_arn) if assumed else None
        if role is None:
            return None
        identity = Identity(Principal.aws(role.arn), role.policies, role.boundary)
        return Session(assumed.arn, identity)

    def queue(self, arn: str) -> Queue | None:
        """The queue of this ARN, or None if there is none."""
        queues = list(self.backend("sqs").queues.values())
        found = next((queue for queue in queues if queue.queue_arn == arn), None)
        if found is None:
            return None
        url = f"{self.endpoint_url}/{self.account_id}/{found.name}"
        return Queue(
            arn=arn, url=url, policy=found.policy or None, key=found.kms_master_key_id or None
        )

    def key(self, name: str) -> Key | None:
        """The key of KMS of this id, ARN or alias, or None if there is none."""
        return self._storage().key(name)

    def _storage(self) -> Storage:
        return Storage(self.backend("s3"), self.backend("kms"), self.backend("iam"))

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Sends an event of a service over the default bus to every deployed rule that matches.

        Args:
            event: as the emulator keeps it on its way: its `time` is a number.
        """
        for rule in list(self.backend("events").event_buses[DEFAULT_BUS].rules.values()):
            rule.send_to_targets(dict(event), transform_input=False)

    def backend(self, service_name: str) -> Any:
        """moto's own state of a service. Tests look at it; everything else asks the account."""
        is_global = service_name in ("iam", "s3", "sts")
        region = self.partition if is_global else self.region
        return get_backend(service_name)[self.account_id][region]  # type: ignore[call-overload]

    def _settings(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _close_clients(self) -> None:
        with self._clients_lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


_CLIENT_CONFIG = Config(
    retries={"total_max_attempts": 2, "mode": "standard"},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=50,
    proxies={},
    use_fips_endpoint=False,
    use_dualstack_endpoint=False,
    s3={"addressing_style": "path"},
)


@cache
def _session() -> boto3.Session:
    """A session that reads neither a profile nor a file of the user.

    All accounts share it: it knows none of them, and it keeps the descriptions of the services,
    which take longer to read than anything else here.
    """
    unset = (None, None, None, None)
    nothing = (None, None, os.devnull, None)
    variables: Any = {"profile": unset, "config_file": nothing, "credentials_file": nothing}
    return boto3.Session(botocore_session=botocore.session.Session(variables))


def _default_version(policy: Any) -> str:
    return str(next(version.document for version in policy.versions if version.is_default))


def _with_loopback(no_proxy: str | None) -> str:
    return ",".join(filter(None, (no_proxy, HOST, "localhost")))


def _empty() -> None:
    """Forgets every resource of every service; what moto's own reset endpoint does."""
    BackendDict.reset()
    reset_model_data()


@contextmanager
def _the_only_account() -> Iterator[None]:
    if not _only_one.acquire(blocking=False):
        raise SandboxError("There is already an open account in this process; close it first.")
    try:
        yield
    finally:
        _only_one.release()


@contextmanager
def _listening(port: int, wrap: Layer, hooks: Hooks) -> Iterator["_Server"]:
    try:
        listener = socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        where = f"port {port}" if port else "a free port"
        raise SandboxError(
            f"The emulated account cannot listen on {where} of {HOST}: {error}."
        ) from error
    with listener:
        server = _Server(listener, wrap, hooks)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class _Server(ThreadedMotoServer):
    """moto's server on a socket that is already bound.

    moto binds in its thread and waits for ever where that fails; werkzeug looks for the end
    twice a second only, which every test would wait for.
    """

    def __init__(self, listener: socket.socket, wrap: Layer, hooks: Hooks) -> None:
        host, port = listener.getsockname()
        super().__init__(host, port, verbose=False)
        self._listener = listener
        self._wrap = wrap
        self._hooks = hooks

    def _server_entry(self) -> None:
        application = self._wrap(DomainDispatcherApplication(create_backend_app))
        self._server = make_server(
            self._ip_address,
            self._port,
            application,
            threaded=True,
            request_handler=_QuietHandler,
            fd=self._listener.fileno(),
        )
        self._server.log = self._log  # type: ignore[method-assign]
        self._server_ready_event.set()
        self._server.serve_forever(poll_interval=0.05)

    def _log(self, type: str, message: str, *args: Any) -> None:
        """Keeps the last line of a traceback, which names what moto failed at."""
        lines = (message % args if args else message).strip().splitlines()
        if type == "error" and lines:
            self._hooks.faults.append(f"moto answered 500: {lines[-1]}")


class _QuietHandler(MotoRequestHandler):
    """Prints no line for each request, and sends an answer as one piece.

    Go's client now and then hangs up between the headers and the body of an answer that comes in
    two, and repeats the request: Terraform was told that the job which it just made exists already.
    """

    wbufsize = -1

    def run_wsgi(self) -> None:
        """Answer a request; who asks first whether the body may come is told at once."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            del self.headers["Expect"]
        super().run_wsgi()

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

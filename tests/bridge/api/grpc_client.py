"""Calls the bridge with Google's own gRPC for Python. Usage: grpc_client.py ADDRESS TOKEN [CA]"""

import os
import queue
import sys
import tempfile
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_tools import protoc

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "../../../shared/sms-contract/proto")

address, token = sys.argv[1:3]
generated = tempfile.mkdtemp()
arguments = ["protoc", f"-I{PROTO}", f"--python_out={generated}", f"--grpc_python_out={generated}"]
assert protoc.main(arguments + ["auth.proto", "sms.proto"]) == 0, "protoc refuses the contract"
sys.path.insert(0, generated)

import auth_pb2
import auth_pb2_grpc
import sms_pb2
import sms_pb2_grpc

if len(sys.argv) > 3:
    with open(sys.argv[3], "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    channel = grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "localhost")])
else:
    channel = grpc.insecure_channel(address)

CALLER = (("authorization", f"Bearer {token}"), ("app_id", "7"))
sms = sms_pb2_grpc.SmsServiceStub(channel)


def message(n, **changes):
    fields = {"esme": 1000, "saddr": "School", "daddr": "+987654321", "message": "Hello", "transaction_id": f"g{n}"}
    return sms_pb2.SmsRequest(**{**fields, **changes})


def refused(code, words, call):
    try:
        call()
    except grpc.RpcError as error:
        assert (error.code(), error.details()) == (code, words), (error.code(), error.details())
        return error
    raise AssertionError(f"not refused: {words}")


# Unary calls.
sent = sms.SendMessage(message(1, task_id=5), metadata=CALLER, timeout=10)
assert sent.success and sent.status == "submitted" and sent.task_id == 5, sent
assert list(sent.sms_ids) == [f"{sent.message_id}-1"], sent
again = sms.SendMessage(message(1, task_id=5), metadata=CALLER, timeout=10)
assert again == sent, again
info = sms.SmsInfo(sms_pb2.SmsInfoRequest(esme=100, message_id=sent.message_id), metadata=CALLER)
assert dict(info.parts) == {"1": "DELIVERED"} and info.mode == "single" and info.status == "DELIVERED", info
length = sms.CheckTextLen(sms_pb2.CheckTextLenRequest(message="x" * 161), metadata=CALLER)
assert (length.encoding, length.length, length.segments, length.per_segment) == ("GSM7", 161, 2, 153), length
length = sms.CheckTextLen(sms_pb2.CheckTextLenRequest(message="x" * 161, esme=102), metadata=CALLER)
assert (length.encoding, length.segments, length.per_segment) == ("LATIN1", 2, 133), length
esme = sms.CheckESME(sms_pb2.CheckEsmeRequest(esme=101), metadata=CALLER)
assert (esme.persist, esme.system_id) == (False, "school101"), esme

# Refusals.
code = grpc.StatusCode
refused(code.UNAUTHENTICATED, "authorization header required", lambda: sms.SendMessage(message(2)))
refused(code.UNAUTHENTICATED, "app_id metadata required", lambda: sms.SendMessage(message(2), metadata=CALLER[:1]))
wrong = (("authorization", "Bearer x"), CALLER[1])
refused(code.UNAUTHENTICATED, "invalid or expired token", lambda: sms.SendMessage(message(2), metadata=wrong))
other = (CALLER[0], ("app_id", "8"))
refused(code.UNAUTHENTICATED, "unknown app_id", lambda: sms.SendMessage(message(2), metadata=other))
refused(code.INVALID_ARGUMENT, "unknown esme 77", lambda: sms.SendMessage(message(2, esme=77), metadata=CALLER))
refused(code.PERMISSION_DENIED, "IP not in whitelist for esme 102", lambda: sms.SendMessage(message(2, esme=102), metadata=CALLER))
unknown = sms_pb2.SmsInfoRequest(message_id="no")
refused(code.NOT_FOUND, "message not found", lambda: sms.SmsInfo(unknown, metadata=CALLER))
words = "transaction_id was used for another message"
refused(code.ALREADY_EXISTS, words, lambda: sms.SendMessage(message(1, message="Bye"), metadata=CALLER))

# The stream: one answer for each message, in order; a failure ends nothing.
many = [message(f"s{n}", esme=77 if n == 500 else 1000) for n in range(1000)]
answers = list(sms.SendMessageStream(iter(many), metadata=CALLER, timeout=60))
assert len(answers) == 1000, len(answers)
assert [one.transaction_id for one in answers] == [one.transaction_id for one in many]
failed = [(n, one.error, one.status) for n, one in enumerate(answers) if not one.success]
assert failed == [(500, "unknown esme 77", "rejected")], failed
refused(code.UNAUTHENTICATED, "authorization header required", lambda: list(sms.SendMessageStream(iter(many))))


# Answers come while the client is still sending, and a client that goes away half-way harms nobody.
outbox = queue.Queue()
conversation = sms.SendMessageStream(iter(outbox.get, None), metadata=CALLER, timeout=30)
for n in range(10):
    outbox.put(message(f"t{n}"))
    assert next(conversation).transaction_id == f"gt{n}"
outbox.put(None)
assert list(conversation) == []
cut = sms.SendMessageStream((message(f"c{n}") for n in range(100_000)), metadata=CALLER)
for _ in range(3):
    next(cut)
cut.cancel()
assert sms.SendMessage(message("after"), metadata=CALLER, timeout=10).success

# Too large, and a deadline that has passed.
large = message(3, message="x" * 300_000)
try:
    sms.SendMessage(large, metadata=CALLER)
    raise AssertionError("300 kB were read")
except grpc.RpcError as error:
    assert error.code() in (code.OUT_OF_RANGE, code.RESOURCE_EXHAUSTED), error
try:
    sms.SendMessage(message(4, message="slow"), metadata=CALLER, timeout=0.3)
    raise AssertionError("a slow answer met its deadline")
except grpc.RpcError as error:
    assert error.code() == code.DEADLINE_EXCEEDED, error

# Health and reflection.
health = health_pb2_grpc.HealthStub(channel)
for service in ("", "sms.v1.SmsService", "auth.Auth"):
    deadline = time.monotonic() + 10
    while True:
        try:
            if health.Check(health_pb2.HealthCheckRequest(service=service)).status == health_pb2.HealthCheckResponse.SERVING:
                break
        except grpc.RpcError:
            pass
        assert time.monotonic() < deadline, f"{service!r} is not serving"
        time.sleep(0.05)
services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
assert {"auth.Auth", "sms.v1.SmsService", "grpc.health.v1.Health"} <= services, services

# Accounts are the platform's: the one of this test has them, or gives a refusal in its own words, or an answer that is none.
auth = auth_pb2_grpc.AuthStub(channel)
registered = auth.Register(auth_pb2.RegisterRequest(email="a@b.example", password="secret", app_name="Library"), timeout=10)
assert (registered.user_id, registered.app_id, registered.app_secret) == (2**40, 12, "shown once"), registered
login = auth.Login(auth_pb2.LoginRequest(email="a@b.example", password="secret", app_id=12), timeout=10)
assert login.token == "a token", login
for user_id, is_admin in ((3, True), (4, False)):
    answer = auth.IsAdmin(auth_pb2.IsAdminRequest(user_id=user_id), metadata=CALLER, timeout=10)
    assert answer.is_admin is is_admin, answer
deleted = auth.DeleteUser(auth_pb2.DeleteUserRequest(user_id=4), metadata=CALLER, timeout=10)
assert deleted.result is True, deleted

taken = auth_pb2.RegisterRequest(email="taken@b.example", password="secret", app_name="Library")
refused(code.ALREADY_EXISTS, "email is taken", lambda: auth.Register(taken, timeout=10))
wrong = auth_pb2.LoginRequest(email="a@b.example", password="wrong", app_id=12)
refused(code.UNAUTHENTICATED, "invalid credentials", lambda: auth.Login(wrong, timeout=10))
stranger = auth_pb2.IsAdminRequest(user_id=3)
refused(code.UNAUTHENTICATED, "authorization required", lambda: auth.IsAdmin(stranger, timeout=10))
other = auth_pb2.DeleteUserRequest(user_id=5)
refused(code.PERMISSION_DENIED, "not your user", lambda: auth.DeleteUser(other, metadata=CALLER, timeout=10))
often = auth_pb2.LoginRequest(email="often@b.example", password="x", app_id=12)
error = refused(code.RESOURCE_EXHAUSTED, "too many attempts", lambda: auth.Login(often, timeout=10))
assert ("retry-after", "900") in [(one.key, one.value) for one in error.trailing_metadata()]
page = auth_pb2.LoginRequest(email="page@b.example", password="x", app_id=12)
error = refused(code.UNAVAILABLE, "accounts are not available at the moment", lambda: auth.Login(page, timeout=10))
assert ("retry-after", "5") in [(one.key, one.value) for one in error.trailing_metadata()]
print("ok")

"""Jasmin's SMPP server, which reads strictly, as a centre: `jasmin_centre.py [ENQUIRE_LINK_SECONDS]`, account "school" with "secret".

Prints its port, then a line of JSON for every message, which has its receipt at once. Commands on stdin: "count", "unbind".
PDUs, session, checks and receipts are Jasmin's; only the router behind them, which needs RabbitMQ and Redis, is played here.
"""

import collections
import datetime
import hashlib
import json
import os
import sys

from jasmin.protocols.smpp.configs import SMPPServerConfig
from jasmin.protocols.smpp.factory import SMPPServerFactory
from jasmin.protocols.smpp.operations import SMPPOperationFactory
from jasmin.protocols.smpp.protocol import SMPPServerProtocol
from jasmin.routing.jasminApi import Group, User
from jasmin.tools.cred.checkers import RouterAuthChecker
from jasmin.tools.cred.portal import SmppsRealm
from smpp.pdu.pdu_types import CommandStatus
from smpp.twisted.protocol import DataHandlerResponse
from twisted.cred.portal import Portal
from twisted.internet import reactor, stdio
from twisted.protocols.basic import LineReceiver

answers = collections.Counter()
operations = SMPPOperationFactory()


# smpp.pdu prints a letter of every validity that it reads.
sys.stdout = open(os.devnull, "w")


def say(line):
    print(json.dumps(line), file=sys.__stdout__, flush=True)


class Accounts:
    users = [User("school", Group("schools"), "school", "secret")]

    def authenticateUser(self, username, password):
        digest = hashlib.md5(password.encode("ascii")).digest()
        return next((user for user in self.users if (user.username, user.password) == (username, digest)), None)


class Protocol(SMPPServerProtocol):
    def PDUResponseReceived(self, pdu):
        answers[f"{pdu.commandId.name} {pdu.status.name}"] += 1
        super().PDUResponseReceived(pdu)

    def corruptDataRecvd(self, **arguments):
        answers["corrupt"] += 1
        super().corruptDataRecvd(**arguments)


class Centre(SMPPServerFactory):
    protocol = Protocol
    taken = 0

    def __init__(self, config):
        accounts = Accounts()
        super().__init__(config, Portal(SmppsRealm(config.id, accounts), [RouterAuthChecker(accounts)]))
        self.msgHandler = self.take

    def take(self, system_id, smpp, pdu):
        # Without a router it only checks.
        self.submit_sm_event_interceptor(system_id, smpp, pdu)
        self.taken += 1
        message_id = f"jasmin-{self.taken}"
        params = pdu.params
        say(
            {
                "id": message_id,
                "source": params["source_addr"].decode(),
                "destination": params["destination_addr"].decode(),
                "ton": params["dest_addr_ton"].name,
                "coding": params["data_coding"].schemeData.name,
                "features": [feature.name for feature in params["esm_class"].gsmFeatures],
                "text": params["short_message"].decode("latin-1"),
                "payload": params.get("message_payload", b"").decode("latin-1"),
                "sar": [params.get(f"sar_{name}") for name in ("msg_ref_num", "total_segments", "segment_seqnum")],
                "valid": str(params["validity_period"]),
                "receipt": params["registered_delivery"].receipt.name,
            }
        )
        reactor.callLater(0, self.deliver, system_id, message_id, params)
        return DataHandlerResponse(status=CommandStatus.ESME_ROK, message_id=message_id)

    def deliver(self, system_id, message_id, params):
        receipt = operations.getReceipt(
            "deliver_sm",
            message_id,
            params["source_addr"],
            params["destination_addr"],
            "DELIVRD",
            "000",
            str(datetime.datetime.now()),
            *(params[name] for name in ("source_addr_ton", "source_addr_npi", "dest_addr_ton", "dest_addr_npi")),
        )
        self.getBoundConnections(system_id).getNextBindingForDelivery().sendDataRequest(receipt)


class Commands(LineReceiver):
    delimiter = b"\n"

    def lineReceived(self, line):
        if line == b"count":
            stats = centre.stats.getStats()
            say({"taken": centre.taken, "answers": answers, "unbinds": stats["unbind_count"], "connections": stats["connect_count"]})
        elif line == b"unbind":
            centre.unbindGateway("school")

    def connectionLost(self, reason):
        reactor.stop()


os.environ["SMPP_SERVER_LOG_FILE"] = os.devnull
config = SMPPServerConfig()
config.responseTimerSecs = 2
if len(sys.argv) > 1:
    config.enquireLinkTimerSecs = float(sys.argv[1])
centre = Centre(config)
stdio.StandardIO(Commands())
say(reactor.listenTCP(0, centre, interface="127.0.0.1").getHost().port)
reactor.run()

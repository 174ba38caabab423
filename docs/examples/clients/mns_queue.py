"""A queue of the message service: send, receive, delete. Every request uses the current credential."""

import os

from mns.account import Account
from mns.queue import Message

from alicred import default_provider
from alicred.adapters import mns

endpoint = os.environ["MNS_ENDPOINT"]  # https://<account id>.mns.<region>.aliyuncs.com

provider = default_provider()
account = Account(endpoint, credentials_provider=mns(provider))
queue = account.get_queue(os.environ.get("MNS_QUEUE", "hello"))
queue.send_message(Message("hello"))
received = queue.receive_message_with_str_body(wait_seconds=10)
queue.delete_message(received.receipt_handle)
print(received.message_body)

"""Buys a mug with the client that openapi-python-client made of docs/openapi.yaml."""
import os
import uuid

from orderflow_client import AuthenticatedClient, Client
from orderflow_client.api.auth import log_in, register
from orderflow_client.api.orders import get_order, list_orders, place_order
from orderflow_client.api.products import create_product, get_product
from orderflow_client.models import (Account, Credentials, NewAccount, NewOrder, NewOrderItem, NewProduct,
                                     Order, OrderPage, OrderStatus, PaymentMethod, Price, Problem,
                                     ProblemCode, Product, SessionTokens)

PASSWORD = os.environ["PASSWORD"]
EMAIL = f"{uuid.uuid4()}@example.com"


def expect(kind, answer):
    """The answer, which is of this kind and not of another."""
    assert isinstance(answer, kind), answer
    return answer


users = Client(base_url=os.environ["USER_URL"])
expect(Account, register.sync(client=users, body=NewAccount(email=EMAIL, password=PASSWORD)))
tokens = expect(SessionTokens, log_in.sync(client=users, body=Credentials(email=EMAIL, password=PASSWORD)))

admin = AuthenticatedClient(base_url=os.environ["INVENTORY_URL"], token=os.environ["ADMIN_TOKEN"])
mug = NewProduct(sku="MUG-BLUE", name="Blue mug", price=Price(amount=1999, currency="EUR"), stock=3)
expect(Product, create_product.sync(client=admin, body=mug))

customer = AuthenticatedClient(base_url=os.environ["PAYMENT_URL"], token=tokens.access_token)


def order(quantity):
    items = [NewOrderItem(sku="MUG-BLUE", quantity=quantity)]
    body = NewOrder(items=items, payment_method=PaymentMethod.TOK_OK)
    key = str(uuid.uuid4())
    return expect(Order, place_order.sync(client=customer, body=body, idempotency_key=key, prefer="wait=20"))


bought = order(2)
assert bought.status == OrderStatus.CONFIRMED and bought.total.amount == 3998, bought
refunded = order(2)
assert refunded.status == OrderStatus.REFUNDED, refunded
assert expect(Product, get_product.sync(sku="MUG-BLUE", client=admin)).available == 1
assert len(expect(OrderPage, list_orders.sync(client=customer)).data) == 2
absent = expect(Problem, get_order.sync(id=uuid.uuid4(), client=customer))
assert absent.code == ProblemCode.NOT_FOUND, absent
print(f"bought: {bought.id} is {bought.status}; without stock: {refunded.id} is {refunded.status}")

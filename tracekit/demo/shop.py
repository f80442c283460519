"""What the demo's support desk knows: products, orders and policies of an outdoor shop."""

from typing import Any

PRODUCTS: list[dict[str, Any]] = [
    {"sku": "TN-210", "name": "Ridge 2 tent", "price": 289.0, "stock": 14, "kind": "tent"},
    {"sku": "TN-340", "name": "Basecamp 4 tent", "price": 459.0, "stock": 0, "kind": "tent"},
    {"sku": "BT-118", "name": "Scree hiking boots", "price": 179.0, "stock": 32, "kind": "boots"},
    {"sku": "JK-077", "name": "Drizzle rain jacket", "price": 139.0, "stock": 8, "kind": "jacket"},
    {"sku": "ST-005", "name": "Ember gas stove", "price": 59.0, "stock": 51, "kind": "stove"},
    {"sku": "SB-420", "name": "Lichen sleeping bag", "price": 219.0, "stock": 5, "kind": "bag"},
    {
        "sku": "BP-065",
        "name": "Moraine 65 backpack",
        "price": 199.0,
        "stock": 11,
        "kind": "backpack",
    },
    {"sku": "LP-012", "name": "Firefly head lamp", "price": 45.0, "stock": 0, "kind": "lamp"},
]

ORDERS: dict[str, dict[str, Any]] = {
    "A1042": {
        "order_id": "A1042",
        "sku": "TN-210",
        "item": "Ridge 2 tent",
        "status": "delivered",
        "date": "2026-11-12",
        "total": 289.0,
    },
    "A1077": {
        "order_id": "A1077",
        "sku": "BT-118",
        "item": "Scree hiking boots",
        "status": "in transit",
        "date": "2026-11-27",
        "total": 179.0,
    },
    "A1093": {
        "order_id": "A1093",
        "sku": "LP-012",
        "item": "Firefly head lamp",
        "status": "waiting for stock",
        "date": "2026-12-04",
        "total": 45.0,
    },
}

POLICIES: dict[str, str] = {
    "Returns": (
        "Unused items can be returned within 60 days of delivery. "
        "Refunds reach the original payment method within 5 working days of arrival. "
        "Return postage is free in the European Union and costs 12 EUR elsewhere."
    ),
    "Warranty": (
        "Tents, backpacks and boots carry a 5 year warranty against faults of material and seams. "
        "Wear, burns and misuse are not covered. "
        "A photo of the fault and the order number are enough to open a warranty case."
    ),
    "Shipping": (
        "Orders placed before 14:00 leave the warehouse on the same day. "
        "Standard delivery takes 2 to 4 working days and is free above 80 EUR. "
        "Express delivery costs 15 EUR and arrives on the next working day."
    ),
    "Repairs": (
        "The workshop repairs zips, seams and poles of tents and jackets. "
        "A zip costs 35 EUR and takes 10 working days. "
        "Repairs within the warranty are free."
    ),
    "Sizes": (
        "Boots run half a size small, so order half a size larger than your street shoe. "
        "Jackets are cut to be worn over one warm layer. "
        "A first exchange for another size is free."
    ),
    "Care": (
        "Wash rain jackets at 30 degrees with liquid soap and no softener. "
        "Tumble drying for 20 minutes brings the water repellency back. "
        "Dry a tent completely before it is stored, otherwise the coating peels."
    ),
    "Payment": (
        "Cards, bank transfer and instalments over 3 months are accepted. "
        "Gift cards are valid for 3 years and can't be paid out. "
        "The invoice is attached to the shipping mail."
    ),
    "Rental": (
        "Tents and backpacks can be rented from 9 EUR a day with a deposit of 100 EUR. "
        "Rental gear is cleaned and checked after each trip. "
        "The rental fee of the last trip is deducted when you buy."
    ),
}

GUIDE: list[str] = [
    "Start with the season, not with the price: where you sleep in October decides more than brand.",
    "For two people who walk, the Ridge 2 tent weighs little and stands on stony ground.",
    "For a family that arrives by car, the Basecamp 4 tent has room for two cabins and a table.",
    "Pitch any tent once at home, so that the first evening in the rain is not the first try.",
    "A sleeping bag is chosen by its comfort value; the Lichen sleeping bag is warm to 2 degrees.",
    "Boots matter more than anything else: the Scree hiking boots need about thirty kilometres.",
    "Wear boots in the evening when you try them on, since feet swell on a long day.",
    "Pack heavy things close to your back; the Moraine 65 backpack has a frame for that.",
    "A rain jacket keeps you dry from outside only, so open the zips before you climb.",
    "The Ember gas stove boils a litre in four minutes and does not mind a light wind.",
    "Take one more gas cartridge than the arithmetic says, and a lighter in a dry pocket.",
    "A head lamp leaves both hands free; spare batteries belong in the same bag.",
    "Wash the jacket with liquid soap and dry the tent before it goes back on the shelf.",
    "If you are unsure, rent first: the fee of the last trip is deducted when you buy.",
]

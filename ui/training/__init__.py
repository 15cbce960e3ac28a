"""The page that trains any model: `order.py` asks what, `work.py` shows it at work, `kept.py` what it left."""

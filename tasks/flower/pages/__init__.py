"""Pages of ours beside Flower's own: providers, completions, queues, events, workers; open routes.py first.

1. They only read. Who may change something is decided by Redis's own users, through the command line.
2. A function in views/ returns what a page shows as JSON values; a template in templates/ makes HTML of it, which
   escapes every value.
3. A page stands in the first answer. Then its stream sends the same HTML whenever it has changed, and static/live.js
   changes what differs.
"""

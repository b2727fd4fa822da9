"""Checks answers against the JSON schema that was asked for, in bounded time; open compiled.py first."""

from worker.schema.compiled import compiled as compiled
from worker.schema.faults import SchemaFault as SchemaFault
from worker.schema.violation import violation as violation

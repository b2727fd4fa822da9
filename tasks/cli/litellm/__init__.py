"""Turns a configuration of LiteLLM's proxy into one of Fallback's: `conversion.convert` is the function to read first.

The rest in the order of its use: `source` reads the file and what it includes, `section` remembers what was read of it,
`remarks` keeps what is told, `vendors` knows the prefixes of models, `deployment` reads an entry of the list, with
`headers` and `limits`, `providers` names what becomes of it, `retries` and `routes` make the chains, `document` writes.
"""

"""A model of 2 MB that says one thing, whatever it is asked, and a chat template with tools."""

from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

TEMPLATE = """{%- if tools %}{{- '<|im_start|>system\n# Tools\n<tools>' }}
{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\n</tools>\n<tool_call>\n{"name": <name>, "arguments": <object>}\n</tool_call><|im_end|>\n' }}{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response>' }}
{%- else %}{{- '<|im_start|>' + message.role + '\n' }}{%- if message.content %}{{- message.content }}{%- endif %}
{%- for tool_call in message.tool_calls %}
{%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
{{- '\n<tool_call>\n{"name": "' + tool_call.name + '", "arguments": ' }}{{- tool_call.arguments | tojson }}
{{- '}\n</tool_call>' }}{%- endfor %}{%- endif %}{{- '<|im_end|>\n' }}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""

_WIDTH = 320


def write_saying(path: Path, *pieces: str) -> None:
    """Writes a model that answers any prompt with these pieces, each one token, and then ends.

    Its attention and feed-forward parts are zero and its embeddings one-hot, so the output matrix is a table of which
    token follows which; whatever is no piece is followed by the first.
    """
    vocabulary = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(256))]
    first = len(vocabulary)
    vocabulary += [piece.replace(" ", "\u2581").encode() for piece in pieces]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("llama")
    writer.add_add_space_prefix(False)
    writer.add_token_list(vocabulary)
    writer.add_token_scores([0.0] * first + [-1e4] * len(pieces))
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(pieces))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    for name, matrix in _tensors(len(vocabulary), first).items():
        writer.add_tensor(f"{name}.weight", matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(size: int, first: int) -> dict[str, np.ndarray]:
    embedding = np.eye(size, _WIDTH, dtype=np.float32)
    output = np.zeros((size, _WIDTH), dtype=np.float32)
    output[first, :first] = 9
    for before, after in pairwise([*range(first, size), 2]):
        output[after, before] = 9
    ones, square = np.ones(_WIDTH, dtype=np.float32), np.zeros((_WIDTH, _WIDTH), dtype=np.float32)
    narrow = np.zeros((32, _WIDTH), dtype=np.float32)
    return (
        {"token_embd": embedding, "output": output, "output_norm": ones}
        | {f"blk.0.attn_{name}": square for name in ("q", "k", "v", "output")}
        | {f"blk.0.{name}_norm": ones for name in ("attn", "ffn")}
        | {"blk.0.ffn_gate": narrow, "blk.0.ffn_up": narrow, "blk.0.ffn_down": narrow.T.copy()}
    )

"""SQS's digests, written from their published definition and not from the server's code."""
import hashlib
import struct


def md5(data):
    return hashlib.md5(data.encode() if isinstance(data, str) else data).hexdigest()


def attributes_md5(attributes):
    """Of {name: {"DataType", "StringValue" | "BinaryValue"}}, as MD5OfMessageAttributes is defined."""
    def field(data):
        return struct.pack(">I", len(data)) + data

    whole = b""
    for name in sorted(attributes, key=str.encode):
        attribute = attributes[name]
        whole += field(name.encode()) + field(attribute["DataType"].encode())
        if attribute["DataType"].startswith("Binary"):
            whole += b"\x02" + field(attribute["BinaryValue"])
        else:
            whole += b"\x01" + field(attribute["StringValue"].encode())
    return md5(whole)

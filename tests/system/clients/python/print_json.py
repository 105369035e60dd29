"""Calls Generate, with the messages in a file of descriptors, and prints the answer as protobuf's JSON.

usage: print_json.py TARGET DESCRIPTORS REQUEST
"""

import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory


def main():
    target, descriptors, request = sys.argv[1:]
    with open(descriptors, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    method = pool.FindMethodByName("specd.v1.SpecService.Generate")
    asked = message_factory.GetMessageClass(method.input_type)()
    json_format.Parse(request, asked)
    answer = message_factory.GetMessageClass(method.output_type)
    with grpc.insecure_channel(target) as channel:
        call = channel.unary_unary(
            "/specd.v1.SpecService/Generate",
            request_serializer=type(asked).SerializeToString,
            response_deserializer=answer.FromString,
        )
        print(json_format.MessageToJson(call(asked), descriptor_pool=pool))


main()

"""ONNX's messages: names of their fields by number, as onnx.proto has them."""

MODEL = {
    1: "ir_version", 2: "producer_name", 3: "producer_version", 4: "domain", 5: "model_version", 6: "doc_string",
    7: "graph", 8: "opset_import", 14: "metadata_props", 20: "training_info", 25: "functions", 26: "configuration",
}  # fmt: skip
GRAPH = {
    1: "node", 2: "name", 5: "initializer", 10: "doc_string", 11: "input", 12: "output", 13: "value_info",
    14: "quantization_annotation", 15: "sparse_initializer", 16: "metadata_props",
}  # fmt: skip
NODE = {
    1: "input", 2: "output", 3: "name", 4: "op_type", 5: "attribute", 6: "doc_string", 7: "domain", 8: "overload",
    9: "metadata_props", 10: "device_configurations",
}  # fmt: skip
ATTRIBUTE = {
    1: "name", 2: "f", 3: "i", 4: "s", 5: "t", 6: "g", 7: "floats", 8: "ints", 9: "strings", 10: "tensors",
    11: "graphs", 13: "doc_string", 14: "tp", 15: "type_protos", 20: "type", 21: "ref_attr_name",
    22: "sparse_tensor", 23: "sparse_tensors",
}  # fmt: skip
TENSOR = {
    1: "dims", 2: "data_type", 3: "segment", 4: "float_data", 5: "int32_data", 6: "string_data", 7: "int64_data",
    8: "name", 9: "raw_data", 10: "double_data", 11: "uint64_data", 12: "doc_string", 13: "external_data",
    14: "data_location", 16: "metadata_props",
}  # fmt: skip
SPARSE = {1: "values", 2: "indices", 3: "dims"}
FUNCTION = {
    1: "name", 4: "input", 5: "output", 6: "attribute", 7: "node", 8: "doc_string", 9: "opset_import",
    10: "domain", 11: "attribute_proto", 12: "value_info", 13: "overload", 14: "metadata_props",
}  # fmt: skip
TRAINING = {1: "initialization", 2: "algorithm", 3: "initialization_binding", 4: "update_binding"}
ENTRY = {1: "key", 2: "value"}
OPSET = {1: "domain", 2: "version"}
VALUE = {1: "name", 2: "type", 3: "doc_string", 4: "metadata_props"}

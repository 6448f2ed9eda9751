// Writes the smallest ONNX files: one chain of operators from one input to the outputs. Just enough of
// the format (protobuf) to make graphs of any input type, shape and names.

/** Element types of ONNX. */
export const FLOAT = 1
export const INT32 = 6
export const INT64 = 7

export interface Tensor {
  readonly name: string
  readonly type: number
  /** A name where a side is not fixed. */
  readonly dims: readonly (number | string)[]
}

export interface Operator {
  readonly type: string
  readonly inputs: readonly string[]
  readonly output: string
  /** Integer attributes. */
  readonly attributes?: Readonly<Record<string, number>>
}

export interface Graph {
  readonly inputs: readonly Tensor[]
  readonly operators: readonly Operator[]
  readonly outputs: readonly Tensor[]
}

/** The file of a graph. */
export function onnxFile({ inputs, operators, outputs }: Graph): Buffer {
  const graph = [
    ...operators.map((operator) => message(1, nodeOf(operator))),
    text(2, 'graph'),
    ...inputs.map((input) => message(11, valueOf(input))),
    ...outputs.map((output) => message(12, valueOf(output))),
  ]
  return Buffer.concat([number(1, 8), message(7, graph), message(8, [text(1, ''), number(2, 13)])])
}

function nodeOf({ type, inputs, output, attributes = {} }: Operator): Buffer[] {
  const described = Object.entries(attributes).map(([name, value]) =>
    message(5, [text(1, name), number(3, value), number(20, 2)]),
  )
  return [...inputs.map((input) => text(1, input)), text(2, output), text(4, type), ...described]
}

function valueOf({ name, type, dims }: Tensor): Buffer[] {
  const sides = dims.map((side) =>
    message(1, [typeof side === 'number' ? number(1, side) : text(2, side)]),
  )
  return [text(1, name), message(2, [message(1, [number(1, type), message(2, sides)])])]
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)])
}

function text(field: number, value: string): Buffer {
  return message(field, [Buffer.from(value)])
}

function message(field: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

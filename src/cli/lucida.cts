#!/usr/bin/env node
// The executable. Pictures are decoded on libuv's threads, of which there are four unless this variable
// says otherwise before anything has used one; loading an ES module does, so this file is none.
const { availableParallelism } = process.getBuiltinModule('node:os')

process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, availableParallelism() + 1))
void import('./main.ts')

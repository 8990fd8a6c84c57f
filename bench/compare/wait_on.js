// SPDX-License-Identifier: Apache-2.0
// wait_on.js TOOL STARTS FILE: appends to FILE the microseconds from the server's listen(2) to the moment at which
// TOOL, wait-on or start-server-and-test, lets the caller go on.
'use strict'
const { spawn } = require('child_process')
const { once } = require('events')
const server = require('./server.js')

async function byWaitOn() {
  const waitOn = require('wait-on')
  const { command, port, listened } = server.next()
  const child = spawn(command[0], command.slice(1), { stdio: 'ignore' })
  await waitOn({ resources: [`tcp:127.0.0.1:${port}`] })
  const ready = process.hrtime.bigint() // CLOCK_MONOTONIC, as the server's
  const at = listened()
  child.kill('SIGKILL')
  await once(child, 'exit')
  return ready - at
}

async function byStartServerAndTest() {
  const { startAndTest } = require('start-server-and-test')
  const { command, port, listened, tested } = server.next()
  // The test is a program of a few microseconds that tells the time.
  await startAndTest({
    services: [{ start: 'exec ' + command.join(' '), url: [`tcp:127.0.0.1:${port}`] }],
    test: server.tellsTheTime(),
    namedArguments: { expect: 200 },
  })
  const micros = tested() - listened()
  return micros
}

async function main() {
  const [tool, starts, file] = process.argv.slice(2)
  const measure = tool === 'wait-on' ? byWaitOn : byStartServerAndTest
  for (let i = 0; i < Number(starts); ++i) server.append(file, await measure())
  process.exit(0) // start-server-and-test leaves timers behind
}
main().catch(error => { console.error(error); process.exit(1) })

// SPDX-License-Identifier: Apache-2.0
// The server that every way waits for: stamps_listen, which listens 5 to 50 ms after its start and writes down when.
'use strict'
const fs = require('fs')

const program = process.env.STAMPS_LISTEN
const stamp = process.env.STAMP

function at(offset) {
  const value = fs.readFileSync(stamp).readBigInt64LE(offset)
  if (value === 0n) throw new Error('nobody has written down the time')
  return value
}

let port = Number(process.env.FIRST_PORT)

exports.next = () => {
  fs.writeFileSync(stamp, Buffer.alloc(4096))
  ++port
  const delay = 5000 + Math.floor(Math.random() * 45000)
  return {
    port,
    command: [program, '--port', String(port), '--stamp', stamp, '--delay-us', String(delay)],
    listened: () => at(0),
    tested: () => at(8),
  }
}
exports.tellsTheTime = () => `${program} --now --stamp ${stamp}`
exports.append = (file, nanoseconds) => fs.appendFileSync(file, `${Number(nanoseconds) / 1000}\n`)

// SPDX-License-Identifier: Apache-2.0
// Playwright starts the server and waits for its port, then runs the global set-up, which takes the time. Once for
// each `playwright test`.
'use strict'
const fs = require('fs')
const path = require('path')
const server = require('./server.js')

// Playwright loads this file in its worker again, where no other server is meant.
const once = path.join(process.env.WORK, 'playwright-server.json')
if (!fs.existsSync(once)) fs.writeFileSync(once, JSON.stringify(server.next()))
const { command, port } = JSON.parse(fs.readFileSync(once))

module.exports = {
  testDir: process.env.WORK,
  testMatch: 'nothing.spec.js',
  reporter: 'line',
  globalSetup: require.resolve('./playwright_setup.js'),
  webServer: { command: 'exec ' + command.join(' '), port, gracefulShutdown: { signal: 'SIGTERM', timeout: 1000 } },
}

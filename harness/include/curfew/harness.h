// SPDX-License-Identifier: Apache-2.0
// Everything of Curfew that needs no test framework.
#pragma once

#include <curfew/duration.h>
#include <curfew/exit_status.h>
#include <curfew/ignore_leaks.h>
#include <curfew/leak.h>
#include <curfew/log.h>
#include <curfew/ready.h>
#include <curfew/server.h>
#include <curfew/spec.h>
#include <curfew/start_error.h>
#include <curfew/stop.h>
#include <curfew/tree.h>
#include <curfew/unavailable.h>

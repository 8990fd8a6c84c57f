// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hostile {

// Ways to escape that use what an ordinary server does not: disguises, clone(2), ptrace(2), namespaces, cgroups.
// Each returns when the escape is complete; the leader serves after that.
void Disguise();                     // environment, argv, comm and exe are not what was launched
[[noreturn]] void LiveInDisguise();  // what a disguised process goes on as
[[nodiscard]] bool InDisguise(const char* argv0);
void TracedChild();
void LeaderTracedByItsChild();
void ChildrenOfAThread();
void VforkChild();
void ClonedAsSibling();
void ClonedWithoutSignal();
void OwnSubreaper();
void OwnPidNamespace();
void OwnUserNamespace();
void OwnMountNamespace();
void OwnCgroup();
void HoldsStdoutOfTheTest();
void ChangesUid();
void LowersItsTag();
void KillsItsWarden();
void StopsItsWarden();
void StopsItsKeeper();

}  // namespace hostile

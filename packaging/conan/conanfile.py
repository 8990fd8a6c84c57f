# conan create packaging/conan --build=missing
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class CurfewConan(ConanFile):
    name = "curfew"
    version = "0.1.0"
    license = "Apache-2.0"
    description = "GoogleTest fixtures that launch real servers; nothing outlives the test"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False]}
    default_options = {"shared": False}

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "harness/*", "fixtures/*", "packaging/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("Curfew is for Linux")

    def requirements(self):
        self.requires("gtest/[>=1.12 <2]", transitive_headers=True, transitive_libs=True)
        self.requires("re2/[>=20220601]")
        self.requires("openssl/[>=3 <4]")
        # Headers only: nothing of it is left to be linked.
        self.requires("boost/[>=1.81 <1.86]", visible=False)
        self.requires("nlohmann_json/[>=3.9]", visible=False)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CURFEW_DEVELOPER"] = False
        toolchain.cache_variables["CURFEW_INSTALL"] = True
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # Its own CMake package: it says where the keeper is and brings curfew_discover_tests.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "curfew"))

"""Copies of the build in which another program stands in a role's place."""
import os
import shutil
import subprocess

from . import world
from .clients import unused


def own_build(role, program):
    """A copy of the build in which that program stands in a role's place;
    the role's own is there as ROLE.real."""
    build = unused(world.WORK + "/build")
    os.mkdir(build)
    shutil.copytree(world.BUILD + "/libexec", build + "/libexec")
    shutil.copy(world.BUILD + "/portreeved", build)
    path = build + "/libexec/" + role
    os.rename(path, path + ".real")
    program(path)
    return build


def traced(words, log):
    """A role that strace runs, with the words of that file."""
    def program(path):
        subprocess.run(
            ["cc", "-D_GNU_SOURCE", '-DWORDS="%s"' % words,
             '-DLOG="%s"' % log, '-DREAL="%s.real"' % path, "-o", path,
             world.TOP + "/tests/harness/traced.c"], check=True)
    return program

"""Fixtures of the tests of the tools."""

from runner_images import runner_container, runner_image, runner_sandbox, vitest_modules

__all__ = ["runner_container", "runner_image", "runner_sandbox", "vitest_modules"]

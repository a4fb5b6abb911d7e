# For a Makefile: `include agent.mk`. `make tests-or-a-patch` runs the tests, and has a patch made where they
# fail; it fails then, too, so that nothing passes for green that is not. `make apply` takes the patch over.
AGENT ?= agent
AGENT_OUT ?= agent-ci
AGENT_FLAGS ?= --budget 1 --deadline 10m
TESTS ?= python3 -m pytest
REPORTS ?= agent-tests

.PHONY: tests-or-a-patch apply
tests-or-a-patch:
	@rm -rf '$(AGENT_OUT)' '$(REPORTS)'
	@mkdir '$(REPORTS)' && echo '*' >'$(REPORTS)/.gitignore' # no part of what is repaired
	@$(TESTS) --junitxml='$(REPORTS)/junit.xml' || { \
	  $(AGENT) ci --junit '$(REPORTS)/junit.xml' --out '$(AGENT_OUT)' $(AGENT_FLAGS); \
	  test ! -s '$(AGENT_OUT)/fix.patch' || echo "a verified patch: make apply"; \
	  exit 1; }

apply:
	@test -s '$(AGENT_OUT)/fix.patch' || { \
	  echo "there is no patch in $(AGENT_OUT): make tests-or-a-patch, and see $(AGENT_OUT)/summary.md" >&2; \
	  exit 1; }
	@git apply '$(AGENT_OUT)/fix.patch'

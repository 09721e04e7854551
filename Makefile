# Each target is one command of tools/, which any Python from 3.11 on can run: see `make help`.
PYTHON ?= python3

.PHONY: help book test claims lock page notebooks exercises address environment clean
help:
	@$(PYTHON) -m tools help
book:
	@$(PYTHON) -m tools book $(if $(DATASET),DATASET=$(DATASET))
test:
	@$(PYTHON) -m tools test $(if $(CHAPTER),CHAPTER=$(CHAPTER)) $(if $(EXERCISE),EXERCISE=$(EXERCISE))
claims:
	@$(PYTHON) -m tools claims
lock:
	@$(PYTHON) -m tools lock
page:
	@$(PYTHON) -m tools page $(if $(NAME),NAME=$(NAME))
notebooks:
	@$(PYTHON) -m tools notebooks
exercises:
	@$(PYTHON) -m tools exercises
address:
	@$(PYTHON) -m tools address $(if $(URL),URL=$(URL))
environment:
	@$(PYTHON) -m tools environment
clean:
	@$(PYTHON) -m tools clean

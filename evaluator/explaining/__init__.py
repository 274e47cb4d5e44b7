"""Why a model answers as it does: importance, partial dependence, Shapley values."""

"""Pictures and interactive figures for the lessons: the only part that needs Matplotlib or ipywidgets."""

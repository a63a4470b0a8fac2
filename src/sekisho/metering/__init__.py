"""What a call used and cost, written down so that nothing is lost and nothing counted twice."""

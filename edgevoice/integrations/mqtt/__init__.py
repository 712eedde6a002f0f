"""The box in Home Assistant, by MQTT device discovery: outbound only, and loaded only with ``mqtt.host``."""
